import { type KnownGlobal, PickleRecord, type PickleValue } from "../pickle/values.js";

/**
 * An object pickled by NVlabs/edm's persistence: class, state, and the source code of its module, which is never run
 * and not even kept.
 */
export class PersistentObject extends PickleRecord {
  constructor(
    readonly className: string,
    /** the object's attributes */
    readonly state: ReadonlyMap<PickleValue, PickleValue>,
  ) {
    super();
  }

  get description(): string {
    return `an object of class ${this.className}`;
  }
}

const reconstruct: KnownGlobal = {
  make: ([meta], { fail }) => {
    if (!(meta instanceof Map)) return fail("an object without a description");
    const name = meta.get("class_name");
    const state = meta.get("state");
    const version = meta.get("version");
    if (version !== 6) return fail("its version is not known (6 is)");
    if (typeof name !== "string" || !(state instanceof Map)) return fail("an object without class or state");
    return new PersistentObject(name, state);
  },
};

/** Names in pickles of NVlabs/edm. */
export function edmGlobals(name: string): KnownGlobal | undefined {
  if (name === "torch_utils.persistence._reconstruct_persistent_obj") return reconstruct;
  // A dict whose entries are attributes too.
  if (name === "dnnlib.util.EasyDict") return { make: () => new Map() };
  return undefined;
}
