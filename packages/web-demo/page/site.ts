/** The export's facts about the page, in `site.json` beside it. Every field may be missing. */
export interface Site {
  /** `Fashion-MNIST, 16×16` */
  name?: string;
  /** whether WebGPU's runtime is beside the page */
  webgpu?: boolean;
  /** the student's teacher, for the race */
  teacher?: { file: string; steps: number };
}

/** @returns an empty object if there is none */
export async function readSite(): Promise<Site> {
  try {
    const response = await fetch("./site.json");
    return response.ok ? ((await response.json()) as Site) : {};
  } catch {
    return {};
  }
}
