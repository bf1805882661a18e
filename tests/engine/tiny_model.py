"""A language model of two and a half megabytes, written as GGUF in a fraction of a second.

It has the architecture of Llama, so that llama.cpp runs it as it runs any model: tokenizer, chat
template, KV cache, sampling, grammars. But nobody trained it: its weights are put together here
by hand, from the rules in :mod:`tests.engine.language`.

The residual stream of a token is sparse. Of its ``WIDTH`` dimensions

* one per token of the vocabulary says which token it is (1, all others 0);
* one per feature is 0 until attention sets it;
* the last is always 1, as the matrices of Llama have no biases of their own.

With that the output matrix *is* the bigram table: its column for a token holds the logits of all
tokens that may follow, and its column for a feature what this feature adds to them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np

from tests.engine.language import BONUSES, GREETING, HEADS, STEP, logit_table, words
from tests.engine.vocabulary import END, Vocabulary, build_vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

NAME = "tiny"
TEMPLATE = Path(__file__).with_name("chat_template.jinja")

WIDTH = 512
ONE = WIDTH - 1
HEAD_WIDTH = 32
HEAD_COUNT = 4
FEED_FORWARD_WIDTH = 32
CONTEXT_LENGTH = 16384
EPSILON = 1e-6

# Two ones among WIDTH dimensions: dividing by the root mean square multiplies by the inverse of
# this, so norm weights of this size leave the residual stream as it is.
NORM_WEIGHT = (2 / WIDTH) ** 0.5

# How attention finds the last cue. RoPE turns each pair of dimensions by an angle proportional
# to the position. The first pair is our clock: it turns so slowly that over the whole context it
# makes less than a quarter turn, so the score of a cue falls with every token of distance.
# The second pair does not turn at all; it lifts every cue above all other tokens, however far.
CLOCK_SPEED = 1.4 / CONTEXT_LENGTH
STANDS_STILL = 1e12
SCORE_PER_TOKEN = 0.5
SCORE_OVER_OTHERS = 20.0


def write_tiny_model(path: Path, *, greeting: str = GREETING) -> None:
    """Write the model to a file; another greeting makes a model that can be told from this one."""
    vocabulary = build_vocabulary(words(greeting))
    writer = gguf.GGUFWriter(path, "llama")
    _add_hyperparameters(writer, vocabulary)
    _add_tokenizer(writer, vocabulary)
    for name, tensor in _tensors(vocabulary, greeting).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_hyperparameters(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_name(NAME)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_vocab_size(len(vocabulary))
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED_FORWARD_WIDTH)
    writer.add_head_count(HEAD_COUNT)
    writer.add_head_count_kv(HEAD_COUNT)
    writer.add_key_length(HEAD_WIDTH)
    writer.add_value_length(HEAD_WIDTH)
    writer.add_rope_dimension_count(HEAD_WIDTH)
    writer.add_layer_norm_rms_eps(EPSILON)


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.texts)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(vocabulary.id_of(END))
    writer.add_eos_token_id(vocabulary.id_of(END))
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(TEMPLATE.read_text(encoding="utf-8"))


def _tensors(vocabulary: Vocabulary, greeting: str) -> dict[str, Matrix]:
    """Return all weights by their name in GGUF; each matrix is (outputs, inputs)."""
    size = len(vocabulary)
    features = _feature_dimensions(size)
    embedding = np.zeros((size, WIDTH), np.float32)
    embedding[np.arange(size), np.arange(size)] = 1
    embedding[:, ONE] = 1
    norm = np.full(WIDTH, NORM_WEIGHT, np.float32)
    # The feed-forward network has nothing to do here, and all zeros it does nothing.
    widen = np.zeros((FEED_FORWARD_WIDTH, WIDTH), np.float32)
    return {
        "token_embd": embedding,
        "output_norm": norm,
        "output": _output(vocabulary, features, greeting),
        "rope_freqs": _rope_divisors(),
        "blk.0.attn_norm": norm,
        **_attention(vocabulary, features),
        "blk.0.ffn_norm": norm,
        "blk.0.ffn_gate": widen,
        "blk.0.ffn_up": widen,
        "blk.0.ffn_down": np.ascontiguousarray(widen.T),
    }


def _feature_dimensions(first: int) -> dict[str, int]:
    """Give every feature a dimension of the residual stream, behind those of the tokens."""
    names = dict.fromkeys(name for head in HEADS for name in head.features.values())
    if first + len(names) > ONE:
        message = f"{first} tokens and {len(names)} features do not fit into {WIDTH} dimensions"
        raise ValueError(message)
    return {name: first + index for index, name in enumerate(names)}


def _output(vocabulary: Vocabulary, features: dict[str, int], greeting: str) -> Matrix:
    """Return the output matrix, which is the table of what follows what."""
    size = len(vocabulary)
    matrix = np.zeros((size, WIDTH), np.float32)
    # Where a grammar leaves a choice that no rule makes, as between the values of an enum, the
    # first in the order of bytes wins: even those logits differ enough for sampling.
    matrix[:, :size] = -STEP * np.arange(size)[:, None]
    default, rows = logit_table(greeting)
    for following, logit in default.items():
        matrix[vocabulary.id_of(following), :size] = logit
    for token, row in rows.items():
        for following, logit in row.items():
            matrix[vocabulary.id_of(following), vocabulary.id_of(token)] = logit
    for bonus in BONUSES:
        matrix[vocabulary.id_of(bonus.token), features[bonus.feature]] = bonus.logit
    return matrix


def _rope_divisors() -> Matrix:
    """Return by what the frequency of each pair is divided; that of the first pair is 1."""
    divisors = np.full(HEAD_WIDTH // 2, STANDS_STILL, np.float32)
    divisors[0] = 1 / CLOCK_SPEED
    return divisors


def _attention(vocabulary: Vocabulary, features: dict[str, int]) -> dict[str, Matrix]:
    """Return the four matrices of attention, with one head for each of ``HEADS``."""
    # llama.cpp divides scores by the root of the head's width. Query and key share what is left
    # evenly, since both are rounded to 16 bits, which end at 65504.
    clock = (SCORE_PER_TOKEN * HEAD_WIDTH**0.5 / CLOCK_SPEED) ** 0.5
    lift = (clock**2 + SCORE_OVER_OTHERS * HEAD_WIDTH**0.5) ** 0.5
    shape = (HEAD_COUNT * HEAD_WIDTH, WIDTH)
    query, key, value, output = (np.zeros(shape, np.float32) for _ in range(4))
    for index, head in enumerate(HEADS):
        row = index * HEAD_WIDTH
        # Every token asks the same. The query's clock is a quarter turn ahead of the keys': so
        # the score of a cue is lift² - clock² * sin(angle between the two positions).
        query[row + 1, ONE] = clock
        query[row + 2, ONE] = lift
        for cue, feature in head.features.items():
            token = vocabulary.id_of(cue)
            key[row, token] = clock
            key[row + 2, token] = lift
            carrier = row + features[feature] % HEAD_WIDTH
            value[carrier, token] = 1
            output[carrier, features[feature]] = 1
    names = ("attn_q", "attn_k", "attn_v", "attn_output")
    matrices = (query, key, value, np.ascontiguousarray(output.T))
    return {f"blk.0.{name}": matrix for name, matrix in zip(names, matrices, strict=True)}


def main() -> None:
    """Write the model to the file that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.engine.tiny_model OUT.gguf")
    write_tiny_model(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
