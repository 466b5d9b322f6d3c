"""The models that the double runs: inputs, limits and nominal prices, as published in 2026.

Sources: the API pages of the models on replicate.com. A real model's schema may have moved on:
``staging models verify`` compares a card with the real one.
"""

from __future__ import annotations

from .model import Field, Model

_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
_KONTEXT_RATIOS = (*_RATIOS, "4:5", "5:4", "21:9", "9:21", "2:1", "1:2")
_SAME = "match_input_image"

_PROMPT = Field(name="prompt", required=True)
_SEED = Field(name="seed", type="integer", nullable=True)
_QUALITY = Field(name="output_quality", type="integer", default=95, minimum=0, maximum=100)
_UNCHECKED = Field(name="disable_safety_checker", type="boolean", default=False)
_FAST = Field(name="go_fast", type="boolean", default=True)


def _pictures(name: str, most: int | None = None, *, required: bool = False) -> Field:
    return Field(name=name, type="array", picture=True, required=required, items=most)


def _ratio(*words: str, default: str = _SAME) -> Field:
    return Field(name="aspect_ratio", enum=words, default=default)


def _format(*words: str, default: str) -> Field:
    return Field(name="output_format", enum=words, default=default)


_QWEN = (
    _PROMPT,
    _ratio("1:1", "16:9", "9:16", "4:3", "3:4", _SAME),
    _FAST,
    _SEED,
    _format("webp", "jpg", "png", default="webp"),
    _QUALITY,
    _UNCHECKED,
)
_KONTEXT = (
    _PROMPT,
    Field(name="input_image", picture=True, nullable=True),
    _ratio(_SAME, *_KONTEXT_RATIOS),
    _format("jpg", "png", default="png"),
    Field(name="safety_tolerance", type="integer", default=2, minimum=0, maximum=6),
    Field(name="prompt_upsampling", type="boolean", default=False),
    _SEED,
)
_SEEDREAM = (
    _PROMPT,
    _pictures("image_input", 14),
    _ratio(_SAME, *_RATIOS, "21:9"),
    Field(name="sequential_image_generation", enum=("disabled", "auto"), default="disabled"),
    Field(name="max_images", type="integer", default=1, minimum=1, maximum=15),
    _UNCHECKED,
)
_GPT = (
    _PROMPT,
    Field(name="openai_api_key", nullable=True),
    _ratio("1:1", "3:2", "2:3", default="1:1"),
    _pictures("input_images"),
    Field(name="number_of_images", type="integer", default=1, minimum=1, maximum=10),
    Field(name="quality", enum=("low", "medium", "high", "auto"), default="auto"),
    Field(name="background", enum=("auto", "transparent", "opaque"), default="auto"),
    Field(name="input_fidelity", enum=("low", "high"), default="low"),
    Field(name="output_compression", type="integer", default=90, minimum=0, maximum=100),
    _format("png", "jpeg", "webp", default="webp"),
    Field(name="moderation", enum=("auto", "low"), default="auto"),
    Field(name="user_id", nullable=True),
)

MODELS: tuple[Model, ...] = (
    Model(
        id="qwen/qwen-image-edit",
        fields=(Field(name="image", picture=True, required=True), *_QWEN),
        many=True,
        sizes="near_1mp",
        price_usd=0.03,
        description="Edits a picture by instruction.",
    ),
    Model(
        id="qwen/qwen-image-edit-plus",
        fields=(_pictures("image", required=True), *_QWEN),
        many=True,
        sizes="near_1mp",
        price_usd=0.03,
        description="Edits one or more pictures by instruction.",
    ),
    *(
        Model(
            id=f"black-forest-labs/flux-kontext-{kind}",
            fields=_KONTEXT,
            many=False,
            sizes="kontext",
            price_usd=price,
            description="Edits a picture by instruction, at fixed sizes near one megapixel.",
        )
        for kind, price in (("max", 0.08), ("pro", 0.04))
    ),
    Model(
        id="black-forest-labs/flux-2-pro",
        fields=(
            _PROMPT,
            _pictures("input_images", 8),
            _ratio(_SAME, "custom", *_RATIOS, "4:5", "5:4", default="1:1"),
            Field(
                name="resolution", enum=(_SAME, "0.5 MP", "1 MP", "2 MP", "4 MP"), default="1 MP"
            ),
            Field(name="width", type="integer", nullable=True, minimum=256, maximum=2048),
            Field(name="height", type="integer", nullable=True, minimum=256, maximum=2048),
            Field(name="safety_tolerance", type="integer", default=2, minimum=1, maximum=5),
            _SEED,
            _format("webp", "jpg", "png", default="webp"),
            Field(name="output_quality", type="integer", default=80, minimum=0, maximum=100),
        ),
        many=False,
        sizes="flux_2",
        price_usd=0.03,
        description="Makes or edits pictures from several references.",
    ),
    Model(
        id="bytedance/seedream-4",
        fields=(
            *_SEEDREAM,
            Field(name="size", enum=("1K", "2K", "4K", "custom"), default="2K"),
            Field(name="width", type="integer", default=2048, minimum=1024, maximum=4096),
            Field(name="height", type="integer", default=2048, minimum=1024, maximum=4096),
            Field(name="enhance_prompt", type="boolean", default=True),
        ),
        many=True,
        sizes="by_width",
        price_usd=0.03,
        description="Makes or edits pictures at up to four thousand pixels.",
    ),
    Model(
        id="bytedance/seedream-4.5",
        fields=(
            *_SEEDREAM,
            Field(name="size", enum=("2K", "4K", "custom"), default="2K"),
            Field(name="width", type="integer", default=2048, minimum=1024, maximum=4096),
            Field(name="height", type="integer", default=2048, minimum=1024, maximum=4096),
        ),
        many=True,
        sizes="by_width",
        price_usd=0.04,
        description="Makes or edits pictures at two or four thousand pixels.",
    ),
    Model(
        id="google/nano-banana-pro",
        fields=(
            _PROMPT,
            _pictures("image_input", 14),
            _ratio(_SAME, *_RATIOS, "4:5", "5:4", "21:9"),
            Field(name="resolution", enum=("1K", "2K", "4K"), default="2K"),
            _format("jpg", "png", default="jpg"),
            Field(
                name="safety_filter_level",
                enum=("block_low_and_above", "block_medium_and_above", "block_only_high"),
                default="block_only_high",
            ),
        ),
        many=False,
        sizes="by_width",
        price_usd=0.15,
        description="Makes or edits pictures from up to fourteen references.",
    ),
    *(
        Model(
            id=f"openai/gpt-image-{kind}",
            fields=_GPT,
            many=True,
            sizes="gpt",
            price_usd=price,
            description="Makes or edits pictures at three fixed ratios.",
        )
        for kind, price in (("1.5", 0.05), ("2", 0.06))
    ),
    Model(
        id="philz1337x/crystal-upscaler",
        fields=(
            Field(name="image", picture=True, required=True),
            Field(name="scale_factor", type="number", default=2, minimum=1, maximum=6),
            _format("png", "jpg", default="png"),
        ),
        many=True,
        sizes="upscaled",
        price_usd=0.05,
        description="Enlarges a picture precisely.",
    ),
    Model(
        id="recraft-ai/recraft-crisp-upscale",
        fields=(Field(name="image", picture=True, required=True),),
        many=False,
        sizes="upscaled",
        price_usd=0.006,
        description="Enlarges a picture and keeps its edges crisp.",
    ),
    Model(
        id="topazlabs/image-upscale",
        fields=(
            Field(name="image", picture=True, required=True),
            Field(
                name="enhance_model",
                enum=("Standard V2", "Low Resolution V2", "CGI", "High Fidelity V2", "Text Refine"),
                default="Standard V2",
            ),
            Field(name="upscale_factor", enum=("None", "2x", "4x", "6x"), default="None"),
            _format("jpg", "png", default="jpg"),
            Field(
                name="subject_detection",
                enum=("None", "All", "Foreground", "Background"),
                default="None",
            ),
            Field(name="face_enhancement", type="boolean", default=False),
            Field(
                name="face_enhancement_strength", type="number", default=0.8, minimum=0, maximum=1
            ),
            Field(
                name="face_enhancement_creativity", type="number", default=0, minimum=0, maximum=1
            ),
        ),
        many=False,
        sizes="upscaled",
        price_usd=0.05,
        description="Enlarges a picture, faithful to the original.",
    ),
    Model(
        id="staging-core/community-edit",
        fields=(Field(name="image", picture=True, required=True), _PROMPT, _SEED),
        many=True,
        sizes="near_1mp",
        price_usd=0.01,
        description="A community model: predictions name its version.",
        official=False,
    ),
)
BY_ID = {model.id: model for model in MODELS}
BY_VERSION = {model.version: model for model in MODELS}
