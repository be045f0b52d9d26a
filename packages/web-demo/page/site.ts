/** What the export says of the page, in `site.json` beside it. Every field may be missing. */
export interface Site {
  /** `Fashion-MNIST, 16×16` */
  name?: string;
  /** whether WebGPU's runtime lies beside the page */
  webgpu?: boolean;
  /** the student's teacher, to be raced */
  teacher?: { file: string; steps: number };
}

/** @returns an empty one where there is none */
export async function readSite(): Promise<Site> {
  try {
    const response = await fetch("./site.json");
    return response.ok ? ((await response.json()) as Site) : {};
  } catch {
    return {};
  }
}
