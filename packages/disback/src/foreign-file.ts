import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DisbackError } from "./errors.js";

/** Number of bytes from the start that are examined. */
const headBytes = 4096;
/** Longest quote from a file. */
const quoted = 80;

/**
 * Recognises a file that is not what its name says: a Git LFS pointer, a web page, a server's message, an archive, …
 * @returns what it is and what to do; undefined for everything else
 */
export function foreignFile(path: string): string | undefined {
  const { head, size } = readStart(path);
  if (size === 0) return "the file is empty: download or copy it again";
  const text = head.toString("latin1");
  return (
    pointer(text) ?? archive(text) ?? otherFormat(text) ?? message(head.toString("utf8"), size <= headBytes)
  );
}

/** @throws DisbackError saying what the file is, if it is one of those above */
export function refuseForeignFile(path: string): void {
  const reason = foreignFile(path);
  if (reason !== undefined) throw new DisbackError(`${path}: ${reason}`);
}

/** Why a file is not JSON, for messages. */
export function foreignJson(path: string): string {
  const { head, size } = readStart(path);
  const reason = foreignFile(path);
  const looksRight = size > 0 && /^[{["\d]/.test(head.toString("utf8").trimStart());
  return reason === undefined || looksRight ? "not valid JSON" : reason;
}

/** Why a file is not safetensors, for messages; undefined if unknown. */
export function foreignSafetensors(path: string): string | undefined {
  const start = readStart(path).head.toString("latin1");
  const isCheckpoint = start.startsWith("PK") || start.startsWith("\x80");
  if (isCheckpoint) {
    return "a PyTorch checkpoint, not safetensors: disback teacher import reads it";
  }
  return foreignFile(path);
}

function readStart(path: string): { head: Buffer; size: number } {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(headBytes);
    return { head: head.subarray(0, readSync(file, head, 0, headBytes, 0)), size: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}

/** The file that Git LFS stores in place of a large one. */
function pointer(text: string): string | undefined {
  if (!/^version https:\/\/(git-lfs\.github\.com|hawser\.github\.com)\/spec\//.test(text)) return undefined;
  const bytes = /^size (\d{1,15})$/m.exec(text)?.[1];
  const size = bytes ? ` (${Number(bytes).toLocaleString("en")} bytes)` : "";
  return `a Git LFS pointer, not the file itself${size}: run "git lfs pull" in its repository`;
}

function archive(text: string): string | undefined {
  const packed = [
    ["\x1f\x8b", "gzip"],
    ["BZh", "bzip2"],
    ["\xfd7zXZ\0", "xz"],
    ["\x28\xb5\x2f\xfd", "zstd"],
    ["7z\xbc\xaf\x27\x1c", "7-Zip"],
    ["Rar!\x1a\x07", "RAR"],
  ].find(([start]) => text.startsWith(start!));
  if (packed) return `packed with ${packed[1]}: unpack it first`;
  if (text.slice(257, 262) !== "ustar") return undefined;
  // PyTorch's own use of tar has these members.
  const member = text.slice(0, text.indexOf("\0")).replace(/^\.\//, "");
  const oldTorch = ["storages", "tensors", "pickle", "sys_info"].includes(member);
  return oldTorch
    ? "PyTorch's tar format from before 2017: save it again with a newer PyTorch"
    : "a tar archive: unpack it first";
}

function otherFormat(text: string): string | undefined {
  const found = [
    ["\x89HDF", "an HDF5 file (Keras)"],
    ["GGUF", "a GGUF file (llama.cpp)"],
    ["\x93NUMPY", "a single NumPy array (.npy)"],
    ["\x89PNG", "a picture (PNG)"],
    ["\xff\xd8\xff", "a picture (JPEG)"],
    ["%PDF", "a PDF"],
  ].find(([start]) => text.startsWith(start!));
  return found && `${found[1]}, which holds no weights that disback reads`;
}

/**
 * Recognises web pages, JSON, XML, and short texts that are not pickles.
 * @param whole whether this is the whole file
 */
function message(text: string, whole: boolean): string | undefined {
  const start = text.replace(/^\ufeff/, "").trimStart();
  if (/^(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body)\b/i.test(start)) {
    return `a web page${quote(/<title[^>]*>([^<]*)/i.exec(start)?.[1])}, not the file itself: open the address in a browser, then download the file`;
  }
  if (/^<(\?xml|Error>)/.test(start)) {
    return `an XML text${quote(/<(?:Code|Message)>([^<]*)/.exec(start)?.[1])}, not the file itself: download it again`;
  }
  if (/^[{[]\s*("|[{[\d])/.test(start) && !start.includes("\0")) {
    const told = /"(?:error|message|detail)"\s*:\s*"([^"]*)/.exec(start)?.[1];
    return told === undefined
      ? "a JSON text, which holds no weights"
      : `a server's message${quote(told)}, not the file itself: download it again`;
  }
  if (whole && /^[\x20-\x7e\s]*$/.test(start) && /^[A-Za-z]{2,}[:,]? [A-Za-z]{2,}/.test(start)) {
    return `a text${quote(start.split("\n")[0])}, not the file itself: download it again`;
  }
  return undefined;
}

function quote(text: string | undefined): string {
  const short = text?.trim().slice(0, quoted);
  return short ? ` ("${short}")` : "";
}
