"""The published data sets: where each lives, its shape, its number of rows, its sums."""

from . import decode, text
from .sources import Companion, Source, join

CIFAR = {"parts": {"train": ("train",), "test": ("test",)}, "decode": decode.images, "combine": join}
CIFAR |= {"shape": (3, 32, 32), "rows": {"train": 50_000, "test": 10_000}}
BOOLQ = {
    "folder": "boolq",
    "hub": "google/boolq",
    "revision": "35b264d03638db9f4ce671b711558bf7ff0f80d5",
    "parts": {"train": ("train",), "test": ("validation",)},  # the published test rows have no answers
    "columns": ("question", "passage", "answer"),
    "decode": text.questions,
    "shape": (256,),
    "classes": 2,
    "rows": {"train": 9_427, "test": 3_270},
}
HIGGS = {"columns": ("inputs", "label"), "decode": decode.columns, "shape": (28,), "classes": 2}

SOURCES = {
    "cifar10": Source(
        title="CIFAR-10",
        folder="cifar10",
        hub="uoft-cs/cifar10",
        revision="0b2714987fa478483af9968de7c934580d0bb9a2",
        columns=("img", "label"),
        classes=10,
        sha256={
            "train": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111"
            " 2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
            "test": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56"
            " cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        },
        **CIFAR,
    ),
    "cifar100": Source(
        title="CIFAR-100",
        folder="cifar100",
        hub="uoft-cs/cifar100",
        revision="aadb3af77e9048adbea6b47c21a81e47dd092ae5",
        columns=("img", "fine_label"),
        classes=100,
        sha256={
            "train": "de64658905c6b161606e3649ddafce7cf86c7634a0cf9116d518e64ef46a33c5"
            " 9f11b9f97aad759ba6df0a33e3218b01d8deaf4ed3a14aa1185d69b9ad7ebcb3",
            "test": "83c56492b2c11211ad1bb2dbd4f2eef4170a0441e41a41f3039c3144b1f5a511"
            " 4dad7d09c7c97d33f6cb928d705cf4196221316fd6e31bdd978a08ed9103ee0b",
        },
        **CIFAR,
    ),
    "boolq": Source(
        title="BoolQ",
        combine=text.word_pieces,
        sha256={
            "train": "962a8939e4309650bcf991be7aae702869f828de33bc7aaacb8509e50f8aa96a"
            " e866b660d911303c965452c2af836047c8a94a44e1776ebc05305912f111f2ff",
            "test": "91bb6bece8932ac8a3e5b732b31b4726063b4b5d9ae0584e2e9ee16be473dc95"
            " da30f5887b4c152bfe9ea3930c44affd3a77bb95bb6c0ef4e4aa84bf103248bb",
        },
        companions={
            "vocabulary": Companion(
                "tokenizer/bert-base-uncased-vocab.txt", "google-bert/bert-base-uncased", "vocab.txt"
            )
        },
        vocabulary=30_522,
        **BOOLQ,
    ),
    "boolq-words": Source(
        title="BoolQ",
        combine=text.words,
        sha256={
            "train": "3c64b0b322391ad07d10f6b451c6c53e0f484fa1c655a605459784bf0c283773"
            " e866b660d911303c965452c2af836047c8a94a44e1776ebc05305912f111f2ff",
            "test": "e49e9dc40efd3b9802bd98458d078882e3ead9b4b1b3dac26e523d0261798916"
            " da30f5887b4c152bfe9ea3930c44affd3a77bb95bb6c0ef4e4aa84bf103248bb",
            "vectors": "30640b405436b58de5703deec6e53aa333d5c1edd60815faaaa33c6d6ad04b77",
        },
        companions={"vectors": Companion("glove/glove6B50d_boolq_float16.parquet", "")},
        vocabulary=43_408,
        **BOOLQ,
    ),
    # the rows of OpenML 23512, which the source trains on; the hub's repository also has all 11 million
    "higgs": Source(
        title="HIGGS",
        folder="higgs",
        hub="jxie/higgs",
        revision=None,
        parts={"train": ("train_63k", "val_16k"), "test": ("test_20k",)},
        combine=join,
        **HIGGS,
    ),
    "higgs-subset": Source(
        title="HIGGS subset (51k rows)",
        folder="higgs_small",
        hub="",
        revision=None,
        parts={"train": ("train",)},
        combine=decode.join_and_split,
        rows={"train": 40_986, "test": 10_247},
        sha256={
            "train": "69488bb5eea4c9daf1c136d4154d011390c0973f567dfecccf0d2f5903540c8d"
            " 961c5a191271079188f7cc15512b845b8cbc26ecd0cdc828606e5d490ba4378a",
            "test": "0d5657996a2305b2714570b4648f8daeb68363bf9cc938ae648f70a3dd2773c5"
            " bbefb003e5a02184f46422c2441d375291c2596a758443203ed4f06e4e7e98d1",
        },
        **HIGGS,
    ),
}
