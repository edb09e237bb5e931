"""Writes two tiny chat models with random weights, for real inference servers to load offline.

usage: python models.py FOLDER      (needs torch and transformers)

FOLDER/tiny-llama      Llama, ChatML turns
FOLDER/tiny-gpt-oss    gpt-oss, Harmony turns

What they say means nothing; how the servers send it does. Decoding is greedy and the weights come
from one seed, so that the same request gets the same text.
"""

import sys
from pathlib import Path
from pydoc_data.topics import topics

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    GptOssConfig,
    GptOssForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

VOCABULARY = 1024
SEED = 7
PAD = "<|endoftext|>"

# The markers that gpt-oss's Harmony format and ChatML use; each must be a token of its own.
HARMONY_MARKERS = ["start", "message", "end", "channel", "return", "call", "constrain"]
CHATML_MARKERS = ["im_start", "im_end"]
MARKERS = [PAD, *(f"<|{name}|>" for name in [*HARMONY_MARKERS, *CHATML_MARKERS])]

CHATML = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
HARMONY = """\
{%- for message in messages -%}
<|start|>{{ message.role }}<|message|>{{ message.content }}<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}
<|start|>assistant<|channel|>final<|message|>
{%- endif -%}
"""


def train() -> Tokenizer:
    """A byte-level BPE tokenizer, trained on the help texts that every Python brings along."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=MARKERS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((topics[name] for name in sorted(topics)), trainer)
    return tokenizer


def write(
    folder: Path,
    tokenizer: Tokenizer,
    model_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    template: str,
    end: str,
) -> None:
    """Save a model of this shape and its tokenizer below `folder`."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        chat_template=template,
        bos_token=PAD,
        pad_token=PAD,
        eos_token=end,
    )
    torch.manual_seed(SEED)
    model = model_class(config).to(torch.float32)
    # A marker never scores above 0, and some word always does: an answer runs to its max_tokens.
    with torch.no_grad():
        for marker in MARKERS:
            model.lm_head.weight[tokenizer.token_to_id(marker)] = 0.0
    model.generation_config = GenerationConfig(
        do_sample=False,
        bos_token_id=fast.bos_token_id,
        pad_token_id=fast.pad_token_id,
        eos_token_id=fast.eos_token_id,
    )
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    print(f"{folder}: {sum(each.numel() for each in model.parameters()):,} parameters")


def main(folder: Path) -> None:
    tokenizer = train()
    shape = {
        "vocab_size": tokenizer.get_vocab_size(),
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": 2048,
        # Wide enough that the most likely token changes from step to step.
        "initializer_range": 0.2,
        "bos_token_id": tokenizer.token_to_id(PAD),
        "pad_token_id": tokenizer.token_to_id(PAD),
    }
    llama_end, gpt_oss_end = "<|im_end|>", "<|return|>"
    llama = LlamaConfig(
        hidden_size=128,
        intermediate_size=256,
        eos_token_id=tokenizer.token_to_id(llama_end),
        **shape,
    )
    gpt_oss = GptOssConfig(
        hidden_size=64,
        intermediate_size=64,
        num_local_experts=4,
        num_experts_per_tok=2,
        sliding_window=64,
        eos_token_id=tokenizer.token_to_id(gpt_oss_end),
        **shape,
    )
    write(folder / "tiny-llama", tokenizer, LlamaForCausalLM, llama, CHATML, llama_end)
    write(folder / "tiny-gpt-oss", tokenizer, GptOssForCausalLM, gpt_oss, HARMONY, gpt_oss_end)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
