import { DisbackError } from "../../errors.js";
import { networks, preconditionings } from "../../import/edm/edm-network.js";
import type { DenoiserConfig } from "../../models/config.js";
import type { Picklable } from "./pickle-writer.js";

/** Fixed in the original's DhariwalUNet. */
const edmChannelsPerHead = 64;

/** A network as NVlabs/edm describes it. */
export interface EdmConstruction {
  /** class of `training.networks` */
  className: string;
  /** its arguments by name */
  arguments: ReadonlyMap<string, Picklable>;
}

/**
 * The class and arguments of the same network in NVlabs/edm. @throws DisbackError if it has no such network
 */
export function edmConstruction(config: DenoiserConfig): EdmConstruction {
  const precondition = Object.entries(preconditionings).find(
    ([, { name }]) => name === config.preconditioning,
  );
  const network = Object.entries(networks).find(([, { name }]) => name === config.network);
  if (!precondition || !network) {
    const known = (table: Readonly<Record<string, { name: string }>>) =>
      Object.values(table).map(({ name }) => name);
    throw new DisbackError(
      `--format edm: NVlabs/edm has no ${config.network} with ${config.preconditioning} preconditioning; it has ` +
        `${known(networks).join(" and ")} with ${known(preconditionings).join(", ")}`,
    );
  }
  if (config.network === "dhariwal-unet" && config.channelsPerHead !== edmChannelsPerHead) {
    throw new DisbackError(
      `--format edm: attention heads there have ${edmChannelsPerHead} channels, not ${config.channelsPerHead}`,
    );
  }
  const fields = config as unknown as Readonly<Record<string, Picklable | undefined>>;
  const given = new Map<string, Picklable>([
    ["img_resolution", fields["imageResolution"]!],
    ["img_channels", fields["imageChannels"]!],
    ["label_dim", config.labelDim],
    ["model_type", network[0]],
  ]);
  const names = [
    ...Object.entries(precondition[1].attributes),
    ...network[1].parameters.flatMap(([theirs, ours]) => (ours === null ? [] : [[theirs, ours] as const])),
  ];
  for (const [theirs, ours] of names) {
    const value = fields[ours];
    if (value !== undefined) given.set(theirs, value);
  }
  return { className: precondition[0], arguments: given };
}
