import { type Device, keep, type Module } from "@disback/torch";
import { openDataset } from "../../data/dataset.js";
import { someSamples } from "../../data/some-samples.js";
import { SamplePool } from "../../distill/sample-pool.js";
import { matchHalves, tinyAutoencoderFor } from "../../distill/tiny-autoencoder.js";
import { DisbackError } from "../../errors.js";
import { reduction } from "../../models/autoencoder/autoencoder-config.js";
import { AutoencoderKl } from "../../models/autoencoder/autoencoder-kl.js";
import { latentCodec } from "../../models/autoencoder/latent-codec.js";
import { saveAutoencoder } from "../../models/autoencoder/storage.js";
import { TinyAutoencoder } from "../../models/autoencoder-tiny/autoencoder-tiny.js";
import { asTheyAre } from "../../models/sample-codec.js";
import { openAutoencoder } from "../open-autoencoder.js";
import type { OpenedModel } from "../opened-model.js";

/** Settings of one half of an autoencoder. */
export interface HalfSettings {
  teacher: string;
  /** `tiny`, or a tiny autoencoder's folder, whose half goes on from where it was */
  student: string;
  half?: "decoder" | "encoder" | undefined;
  studentChannels?: number | undefined;
  studentBlocks?: number | undefined;
  /** pictures */
  data?: string | undefined;
  resolution?: number | undefined;
  skipBroken?: boolean;
  seed: number;
  device: string;
}

/** Settings of other students. */
interface OtherSettings {
  rank?: number | undefined;
  latentSize?: number | undefined;
  textLength?: number | undefined;
  prompts?: string | undefined;
  unconditional?: boolean;
}

/** Numbers of pictures that are held in memory at most: a gibibyte. */
const HELD_NUMBERS = 2 ** 28;

/** @throws DisbackError if sizes or a half are given where there is no autoencoder */
export function refuseHalf({ half, studentBlocks, student }: HalfSettings): void {
  const [given] = Object.entries({ half, studentBlocks }).find(([, value]) => value !== undefined) ?? [];
  if (given) throw new DisbackError(`"${given}": has an effect only where the teacher is an autoencoder`);
  if (student === "tiny")
    throw new DisbackError('"student": tiny is half of an autoencoder; give "half": decoder or encoder');
}

/**
 * One half of an autoencoder as the teacher, and that of a tiny one as the student (TAESD's recipe). Both see the same pictures, or
 * their latents; an encoder's latents are shown as the teacher decodes them.
 * @param notice told one line about what is left out, and about the other half
 * @throws DisbackError naming the setting, or what does not fit
 */
export async function openHalves(
  settings: HalfSettings & OtherSettings & { half: "decoder" | "encoder" },
  notice: (line: string) => void,
): Promise<{ teacher: OpenedModel<Module>; student: OpenedModel<Module> }> {
  const { half, data, rank, latentSize, textLength, prompts, unconditional } = settings;
  const source = settings.teacher;
  if (data === undefined)
    throw new DisbackError(
      '"data": an autoencoder is distilled with pictures, in disback distill with --data',
    );
  const useless = Object.entries({ rank, latentSize, textLength, prompts, unconditional });
  const [refused] = useless.find(([, given]) => given !== undefined && given !== false) ?? [];
  if (refused)
    throw new DisbackError(`"${refused}": has no effect where the teacher is an autoencoder ("half")`);
  const device = settings.device as Device;
  const autoencoder = await openAutoencoder(source, { device });
  if (!(autoencoder instanceof AutoencoderKl))
    throw new DisbackError(
      `"teacher": ${source} is an autoencoder of the kind "${autoencoder.config.autoencoder}"; only "kl" has tiny students`,
    );
  const tiny = await startOf(settings, autoencoder);
  const { images, pictures } = await picturesOf(settings, data, autoencoder, notice);
  const shared = matchHalves({ teacher: autoencoder, student: tiny.to({ device }), half, images });
  const { facts, drawLatents } = shared.student;
  const codec =
    half === "decoder" ? asTheyAre(pictures) : latentCodec(autoencoder, facts.sampleShape, source);
  const common = { facts, codec, ...(drawLatents ? { drawLatents } : {}) };
  if (settings.student === "tiny")
    notice(
      `the student's ${half === "decoder" ? "encoder" : "decoder"} stays untrained; give its folder as --student to train that half too`,
    );
  return {
    teacher: { ...common, module: shared.teacher, save: () => {} },
    student: {
      ...common,
      module: shared.student.module,
      save(folder, module) {
        const whole = tiny.clone();
        whole.loadStateDict(new Map([...whole.stateDict(), ...module.stateDict()]));
        saveAutoencoder(folder, whole);
        whole.dispose();
      },
    },
  };
}

/** The tiny autoencoder to begin with. */
async function startOf(
  { student: start, half, studentChannels, studentBlocks, seed }: HalfSettings,
  teacher: AutoencoderKl,
): Promise<TinyAutoencoder> {
  if (start === "tiny")
    return tinyAutoencoderFor(teacher, {
      ...(studentChannels === undefined ? {} : { channels: studentChannels }),
      ...(studentBlocks === undefined ? {} : { blocks: studentBlocks }),
      seed,
    });
  if (["same", "untrained", "small"].includes(start))
    throw new DisbackError(
      `"student": of an autoencoder it must be tiny, or the folder of a tiny one, not ${start}`,
    );
  const found = await openAutoencoder(start);
  if (!(found instanceof TinyAutoencoder))
    throw new DisbackError(`"student": ${start} is no tiny autoencoder but a "${found.config.autoencoder}"`);
  const form = ({ config }: TinyAutoencoder | AutoencoderKl) =>
    `${config.imageChannels} channels to ${config.latentChannels} at 1/${reduction(config)} of the side`;
  if (form(found) !== form(teacher))
    throw new DisbackError(`"student": ${start} takes ${form(found)}, the teacher ${form(teacher)}`);
  const { encoderChannels, decoderChannels, decoderBlocks } = found.config;
  const own = {
    studentChannels: half === "encoder" ? encoderChannels : decoderChannels,
    studentBlocks: decoderBlocks[0]!,
  };
  for (const [name, wanted] of Object.entries({ studentChannels, studentBlocks }))
    if (wanted !== undefined && wanted !== own[name as keyof typeof own])
      throw new DisbackError(`"${name}": ${wanted}, but ${start} has ${own[name as keyof typeof own]}`);
  return found.requiresGrad_(true);
}

/** The data's pictures in memory, on the device; as many as are held. */
async function picturesOf(
  { resolution, skipBroken = false, device }: HalfSettings,
  data: string,
  { config }: AutoencoderKl,
  notice: (line: string) => void,
): Promise<{ images: SamplePool; pictures: readonly number[] }> {
  const none = (name: string) => new DisbackError(`"data": ${name} holds no pictures`);
  if (data.startsWith("toy:")) throw none(data);
  const dataset = await openDataset(data, {
    ...{ channels: config.imageChannels as 1 | 3, labels: false, skipBroken, onWarning: notice },
    ...(resolution === undefined ? {} : { resolution }),
  });
  const pictures = dataset.sampleShape;
  if (pictures.length !== 3) throw none(dataset.name);
  const most = Math.max(1, Math.floor(HELD_NUMBERS / pictures.reduce((product, side) => product * side, 1)));
  if (most < dataset.length)
    notice(`${most.toLocaleString("en")} of ${dataset.length.toLocaleString("en")} pictures are used`);
  const { samples } = await someSamples(dataset, most);
  return { images: new SamplePool({ samples: keep(samples.to({ device: device as Device })) }), pictures };
}
