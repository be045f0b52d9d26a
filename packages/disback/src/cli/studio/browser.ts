/** Shows an address in the user's browser, where there is a person in front of a screen; failing is no error. */
export async function openInBrowser(url: string): Promise<void> {
  const hasScreen = process.platform !== "linux" || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!process.stderr.isTTY || !hasScreen || process.env.SSH_CONNECTION) return;
  try {
    const { default: open } = await import("open");
    const child = await open(url);
    child.once("error", () => {});
  } catch {
    // The address stands in the terminal.
  }
}
