const digits = [..."0123456789"];
const capitals = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

export const cifar10Names = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

const fashionNames = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** The first labels of Fashion-MNIST's two files, which have the same names as MNIST's. */
const fashionStarts: Record<number, string> = { 60000: "9003027255", 10000: "9211614657" };

/** EMNIST's sets. Balanced and bymerge merge lower-case letters that look like their capitals. */
const emnistNames: Record<string, readonly string[]> = {
  letters: capitals,
  balanced: [...digits, ...capitals, ..."abdefghnqrt"],
  bymerge: [...digits, ...capitals, ..."abdefghnqrt"],
  byclass: [...digits, ...capitals, ..."abcdefghijklmnopqrstuvwxyz"],
  digits,
  mnist: digits,
};

/** Which of EMNIST's sets a file belongs to, by its name. */
export const emnistSet = (path: string): string | undefined =>
  Object.keys(emnistNames).find((set) => path.toLowerCase().includes(`emnist-${set}-`));

/** Class names of an IDX file that is recognised by its name or labels. */
export function idxClassNames(path: string, labels: ArrayLike<number>): readonly string[] | undefined {
  const set = emnistSet(path);
  if (set) return emnistNames[set];
  const start = Array.from({ length: Math.min(10, labels.length) }, (_, index) => labels[index]!).join("");
  const isFashion = /fashion[^/]*\/[^/]*$/i.test(path) || fashionStarts[labels.length] === start;
  return isFashion ? fashionNames : undefined;
}
