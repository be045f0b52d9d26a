/** Opens an address in the user's browser if there is a screen. Failure is not an error. */
export async function openInBrowser(url: string): Promise<void> {
  const hasScreen = process.platform !== "linux" || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!process.stderr.isTTY || !hasScreen || process.env.SSH_CONNECTION) return;
  try {
    const { default: open } = await import("open");
    const child = await open(url);
    child.once("error", () => {});
  } catch {
    // The terminal shows the address anyway.
  }
}
