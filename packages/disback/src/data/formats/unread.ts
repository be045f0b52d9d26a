import { extensionOf } from "../images/kinds.js";

const advice: Record<string, string> = {
  ".arrow": 'it is saved by "save_to_disk" of Hugging Face: write it again with "to_parquet"',
  ".mdb": "LMDB is not read: write its images as files, or as a tar of WebDataset",
  ".tfrecord": "TFRecord is not read: write its images as files, or as a tar of WebDataset",
  ".h5": "HDF5 is not read: save the array as .npz",
  ".hdf5": "HDF5 is not read: save the array as .npz",
  ".mat": "MATLAB's files are not read: save the array as .npz",
  ".csv": "pixels in CSV are not read: save them as an array in .npz",
  ".pt": "PyTorch's files are not read as data: save the array as .npz",
  ".pth": "PyTorch's files are not read as data: save the array as .npz",
  ".pkl": "pickles are not read as data: save the array as .npz",
  ".pickle": "pickles are not read as data: save the array as .npz",
  ".npz": "give the .npz itself",
  ".npy": "give one .npy, an array of all images, itself",
  ".zip": "give the zip itself",
  ".gz": "give the archive itself, or unpack it",
  ".tgz": "give the archive itself, or unpack it",
  ".rar": "RAR is not read: unpack it",
  ".7z": "7z is not read: unpack it",
  ".xz": ".xz is not read: unpack it",
  ".bz2": ".bz2 is not read: unpack it",
  ".heic": "HEIC is not read: convert the pictures to JPEG or PNG",
  ".heif": "HEIF is not read: convert the pictures to JPEG or PNG",
  ".mp4": "films are not read: save their pictures as PNG",
};

/** What to do with a file in an unsupported format; undefined for unknown formats. */
export function otherFormat(path: string): string | undefined {
  return advice[extensionOf(path.replace(/-\d{5}-of-\d{5}$/, ""))];
}
