"""What each action does to a forward pass, and that it does nothing else."""

import pytest
import torch
import torch.nn.functional as F
from intervened import BATCH, HEADS, LABELS, TOKENS, sequences, small_model

from icl_models import TransformerConfig, capture, save_model, site_names
from icl_train import Intervention, intervene
from icl_train._intervening.interventions import Interventions

WEIGHTS = "blocks.1.attention.weights"
EXAMPLES, ANSWERS = sequences()


def passed(model, *interventions, positions="all", step=1):
    """Logits, and everything that was computed on the way."""
    with intervene(model, interventions, labels=ANSWERS, examples=EXAMPLES, step=step), capture(model) as trace:
        return model(EXAMPLES, ANSWERS, positions=positions), dict(trace)


def before(trace, name):
    """Names of what is computed before a place."""
    names = list(trace)
    return names[: names.index(name)]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("blocks.0.mlp:ablate", "blocks.0.mlp", lambda value: torch.zeros_like(value)),
        ("blocks.0.mlp:mean", "blocks.0.mlp", lambda value: value.mean(0, keepdim=True).expand_as(value)),
        ("blocks.0.mlp:value=0.5", "blocks.0.mlp", lambda value: torch.full_like(value, 0.5)),
        (f"{WEIGHTS}:pattern=uniform", WEIGHTS, lambda value: value.gt(0).to(value) / value.gt(0).sum(-1, True)),
    ],
)
def test_a_value_is_replaced_and_nothing_before_it(text, name, expected):
    model = small_model()
    plain, was = passed(model)
    logits, trace = passed(model, text)
    assert trace[name].allclose(expected(was[name]))
    assert all(trace[other].equal(was[other]) for other in before(was, name))
    assert not logits.allclose(plain)


@pytest.mark.parametrize("site", ["queries", "keys", "values", "weights", "heads"])
def test_one_head_is_replaced_and_the_others_stay(site):
    model = small_model()
    name = f"blocks.1.attention.{site}"
    _, was = passed(model)
    _, trace = passed(model, f"{name}.2:ablate")
    assert trace[name][:, 2].eq(0).all()
    others = [head for head in range(HEADS) if head != 2]
    assert trace[name][:, others].equal(was[name][:, others])


def test_all_heads_but_some_are_replaced():
    model = small_model()
    _, was = passed(model)
    _, trace = passed(model, "blocks.1.attention.heads:ablate,but=0+3")
    heads = trace["blocks.1.attention.heads"]
    assert heads[:, [1, 2]].eq(0).all()
    assert heads[:, [0, 3]].equal(was["blocks.1.attention.heads"][:, [0, 3]])


def test_a_pattern_may_be_of_all_heads_but_one():
    model = small_model()
    _, was = passed(model)
    _, trace = passed(model, f"{WEIGHTS}:pattern=previous,but=1")
    assert trace[WEIGHTS][:, 1].equal(was[WEIGHTS][:, 1])
    previous = F.one_hot((torch.arange(TOKENS) - 1).clamp(min=0), TOKENS).float()
    assert trace[WEIGHTS][:, [0, 2, 3]].equal(previous.expand(BATCH, 3, TOKENS, TOKENS))


def test_the_query_looks_at_its_own_label_under_the_induction_pattern():
    model = small_model()
    _, trace = passed(model, f"{WEIGHTS}:pattern=induction")
    on_labels = trace[WEIGHTS][:, :, -1, 1::2]
    right = ANSWERS[:, :-1] == ANSWERS[:, -1:]
    assert on_labels[1:].gt(0).equal(right[1:, None].expand(-1, HEADS, -1))
    assert on_labels[1:].sum(-1).allclose(torch.ones(BATCH - 1, HEADS))


@pytest.mark.parametrize("text", [f"{WEIGHTS}:copy", f"{WEIGHTS}:copy,but=1+2", f"{WEIGHTS}.2:copy"])
def test_copied_answers_are_those_of_the_attention_that_is_used(text):
    model = small_model()
    plain, _ = passed(model)
    logits, trace = passed(model, f"{WEIGHTS}.2:pattern=uniform", text)
    heads = [2] if ".2:" in text else [0, 3] if "but" in text else [0, 1, 2, 3]
    attention = trace[WEIGHTS][:, heads, -1, 1::2].sum(1)
    expected = torch.stack([((ANSWERS[:, :-1] == label) * attention).sum(1) for label in range(LABELS)], 1)
    assert logits[:, -1].allclose(expected.clamp(min=1e-9).log(), atol=1e-6)
    untouched, _ = passed(model, f"{WEIGHTS}.2:pattern=uniform")
    assert logits[:, :-1].equal(untouched[:, :-1])
    assert not logits[:, -1].allclose(plain[:, -1])


def test_two_layers_may_copy_and_their_attention_is_summed():
    model = small_model()
    both, _ = passed(model, "blocks.0.attention.weights:copy", f"{WEIGHTS}:copy")
    parts = [passed(model, text)[0] for text in ("blocks.0.attention.weights:copy", f"{WEIGHTS}:copy")]
    assert both[:, -1].exp().allclose((parts[0].exp() + parts[1].exp())[:, -1], atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{}, {"sequence_model_config": TransformerConfig(norm="post", positions="rotary")}]
)
def test_the_shifted_pattern_is_that_of_first_tokens_each_with_what_the_one_before_had(settings):
    model = small_model(**settings)
    _, trace = passed(model, f"{WEIGHTS}:pattern=shifted")
    first, block = trace["blocks.0.residual_pre"], model.sequence_model.blocks[1]
    moved = first.clone()
    moved[:, 1:-1] = first[:, :-2]
    with capture(model, WEIGHTS) as expected:
        block.attention(block.norm_attention(moved) if block.pre_norm else moved)
    assert trace[WEIGHTS].equal(expected[WEIGHTS])


def test_under_the_shifted_pattern_values_that_are_seen_are_the_layers_own():
    model, values = small_model(), "blocks.1.attention.values"
    _, was = passed(model)
    _, trace = passed(model, f"{WEIGHTS}:pattern=shifted")
    assert trace[values].equal(was[values])


def test_one_head_may_have_the_shifted_pattern():
    model = small_model()
    _, was = passed(model)
    _, whole = passed(model, f"{WEIGHTS}:pattern=shifted")
    _, trace = passed(model, f"{WEIGHTS}.2:pattern=shifted")
    assert trace[WEIGHTS][:, 2].equal(whole[WEIGHTS][:, 2])
    assert trace[WEIGHTS][:, [0, 1, 3]].equal(was[WEIGHTS][:, [0, 1, 3]])
    _, others = passed(model, f"{WEIGHTS}:pattern=shifted,but=2")
    assert others[WEIGHTS][:, 2].equal(was[WEIGHTS][:, 2])
    assert others[WEIGHTS][:, 0].equal(whole[WEIGHTS][:, 0])


def test_the_shifted_pattern_trains_queries_and_keys_without_the_layer_below():
    model = small_model(sequence_model_config=TransformerConfig(mlp_layers=()))
    texts = ("blocks.0.attention.heads:ablate", f"{WEIGHTS}:pattern=shifted")
    logits, _ = passed(model, *texts, positions="query")
    F.cross_entropy(logits, ANSWERS[:, -1]).backward()
    assert model.sequence_model.blocks[1].attention.qkv.weight.grad.ne(0).any(1).all()
    assert model.sequence_model.blocks[0].attention.qkv.weight.grad is None


@pytest.mark.parametrize(
    "text",
    [
        "blocks.1.attention.heads:ablate,but=0",
        "blocks.0.attention.weights:pattern=previous",
        f"{WEIGHTS}:pattern=induction",
        f"{WEIGHTS}:pattern=uniform,but=1",
        f"{WEIGHTS}:pattern=shifted",
        f"{WEIGHTS}:copy",
        "blocks.1.mlp:mean",
    ],
)
@pytest.mark.parametrize("settings", [{}, {"concatenate_labels": True}])
def test_the_query_alone_gives_what_all_tokens_give(text, settings):
    model = small_model(**settings)
    if settings and "shifted" in text:
        pytest.skip("it is refused where an example and its label are one token")
    everywhere, _ = passed(model, text)
    query, _ = passed(model, text, positions="query")
    assert query.allclose(everywhere[:, -1], atol=1e-5)


def test_several_of_one_place_act_in_their_order():
    model = small_model()
    _, trace = passed(model, "blocks.0.mlp:value=1", "blocks.0.mlp:value=2")
    assert trace["blocks.0.mlp"].eq(2).all()
    _, trace = passed(model, "blocks.0.mlp:value=2", "blocks.0.mlp:value=1")
    assert trace["blocks.0.mlp"].eq(1).all()


def test_a_name_may_stand_for_several_places():
    _, trace = passed(small_model(), "blocks.*.mlp:ablate")
    assert trace["blocks.0.mlp"].eq(0).all()
    assert trace["blocks.1.mlp"].eq(0).all()


def test_the_rest_gets_gradients_and_what_is_replaced_gets_none():
    model = small_model()
    logits, _ = passed(model, "blocks.0.attention.weights:pattern=previous", "blocks.1.attention.heads.0:ablate")
    F.cross_entropy(logits[:, -1], ANSWERS[:, -1]).backward()
    width = model.config.emb_dim
    gradients = {name: one.grad for name, one in model.named_parameters()}
    blocks = "sequence_model.blocks"
    queries_and_keys = gradients[f"{blocks}.0.attention.qkv.weight"][: 2 * width]
    values = gradients[f"{blocks}.0.attention.qkv.weight"][2 * width :]
    assert queries_and_keys.eq(0).all()
    assert values.ne(0).any()
    out = gradients[f"{blocks}.1.attention.out.weight"]  # of head 0 the first quarter of the columns
    assert out[:, : width // HEADS].eq(0).all()
    assert out[:, width // HEADS :].ne(0).all(0).all()
    assert gradients["embedder.projection.weight"].ne(0).any()


def test_copying_trains_what_attention_hangs_on_and_not_the_readout():
    model = small_model()
    logits, _ = passed(model, f"{WEIGHTS}:copy", positions="query")
    F.cross_entropy(logits, ANSWERS[:, -1]).backward()
    assert model.readout.weight.grad is None
    assert model.sequence_model.blocks[1].attention.qkv.weight.grad[: 2 * 16].ne(0).any()
    assert model.sequence_model.blocks[0].attention.qkv.weight.grad.ne(0).any()


def test_another_models_values_are_put_in_and_get_no_gradient(tmp_path):
    model, other = small_model(), small_model(seed=1)
    save_model(other, tmp_path / "other.safetensors")
    with capture(other, "blocks.0.residual_post", f"{WEIGHTS}.1") as theirs:
        other(EXAMPLES, ANSWERS)
    _, was = passed(model)
    run = f"run={tmp_path / 'other.safetensors'}"
    logits, trace = passed(model, f"blocks.0.residual_post:{run}", f"{WEIGHTS}.1:{run}")
    assert trace["blocks.0.residual_post"].equal(theirs["blocks.0.residual_post"])
    assert trace[WEIGHTS][:, 1].equal(theirs[f"{WEIGHTS}.1"])
    assert all(trace[name].equal(was[name]) for name in before(was, "blocks.0.residual_post"))
    logits.sum().backward()
    assert model.sequence_model.blocks[0].mlp_in.weight.grad is None
    assert model.readout.weight.grad is not None
    query, _ = passed(model, f"{WEIGHTS}:{run}", positions="query")
    assert query.allclose(passed(model, f"{WEIGHTS}:{run}")[0][:, -1], atol=1e-5)


def test_another_models_noise_takes_none_of_the_numbers_that_dropout_is_drawn_from(tmp_path):
    model, other = small_model(dropout_prob=0.3), small_model(example_dropout_prob=0.5)
    save_model(other, tmp_path / "other.safetensors")
    masks = []
    for texts in ([], [f"blocks.1.attention.keys:run={tmp_path / 'other.safetensors'}"]):
        torch.manual_seed(0)
        masks.append(passed(model, *texts)[1]["blocks.0.residual_post"])
    assert masks[0].equal(masks[1])


def test_after_it_the_model_is_as_it_was():
    model = small_model()
    plain, _ = passed(model)
    passed(model, f"{WEIGHTS}:pattern=uniform", "blocks.0:fix", "blocks.0.mlp:ablate")
    assert passed(model)[0].equal(plain)
    assert all(one.requires_grad for one in model.parameters())


def test_a_step_at_which_nothing_acts_changes_nothing():
    model = small_model()
    assert passed(model, "blocks.0.mlp:ablate,start=5", step=5)[0].equal(passed(model)[0])
    assert not passed(model, "blocks.0.mlp:ablate,start=5", step=6)[0].equal(passed(model)[0])


def test_what_acts_changes_with_the_step_and_all_changes_are_known():
    model = small_model()
    found = [Intervention(name="blocks.0.mlp", action="value", to=1.0, start=2, stop=4)]
    with Interventions(model, found, {}) as put:
        seen = []
        for step in range(1, 7):
            put.at(step)
            with capture(model, "blocks.0.mlp") as trace:
                model(EXAMPLES, ANSWERS)
            seen.append(bool(trace["blocks.0.mlp"].eq(1).all()))
        assert put.changes(10) == [1, 3, 5]
        assert put.changes(4) == [1, 3]
    assert seen == [False, False, True, True, False, False]


def test_modules_outside_attention_can_be_changed_in_models_without_it():
    model = small_model(sequence_model="lstm", num_heads=None)
    logits, trace = passed(model, "layers.0:ablate")
    assert trace["layers.0"].eq(0).all()
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("blocks.5.mlp:ablate", {}, r"blocks.5.mlp:ablate: a name must be one of embeddings, .*did you mean"),
        (f"{WEIGHTS}.4:pattern=previous", {}, r"heads of blocks.1.attention.weights must be from 0 to 3, got 4"),
        (
            "blocks.*.attention.weights:ablate,but=7",
            {},
            r"heads of blocks.0.attention.weights must be from 0 to 3, got 7",
        ),
        ("embedder:ablate", {}, r"a name must be behind the embedder"),
        (
            "blocks.0.mlp:fix",
            {},
            r"a name must be of a parameter, or of a module with some, in embedder, label_table, ",
        ),
        (
            f"{WEIGHTS}:pattern=previous",
            {"sequence_model": "lstm", "num_heads": None},
            r"a name must be one of .*layers",
        ),
        ("layers.0.weights:copy", {"sequence_model": "gru", "num_heads": None}, r"a name must be one of .*layers"),
        (
            f"{WEIGHTS}:pattern=shifted",
            {"concatenate_labels": True},
            r"shifted needs a transformer in which labels are tokens of their own",
        ),
    ],
)
def test_what_a_model_does_not_have_is_refused(text, settings, message):
    with pytest.raises(ValueError, match=message):
        passed(small_model(**settings), text)


def test_compiled_models_are_refused():
    model = small_model()
    with pytest.raises(ValueError, match="model must not be compiled to be captured or edited"):
        passed(torch.compile(model, backend="eager"), "blocks.0.mlp:ablate")


@pytest.mark.parametrize("text", [f"{WEIGHTS}:{action}" for action in ("copy", "pattern=induction", "pattern=shifted")])
def test_labels_that_are_needed_and_not_given_are_asked_for(text):
    model = small_model()
    with pytest.raises(ValueError, match="needs the labels of the sequences, got none"), intervene(model, [text]):
        model(EXAMPLES, ANSWERS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"example_shape": (7,)}, r"run must be of a model of the same examples: example_shape \(6,\), got \(7,\) in "),
        ({"num_classes": 4}, r"run must be of a model with num_classes at least 5, got 4 in "),
        ({"emb_dim": 32}, r"blocks.0.residual_post must have shape \(6, 7, 16\) in .*, got \(6, 7, 32\)"),
        ({"num_layers": 1}, r"a name must be one of .*, got 'blocks.1.mlp'"),
    ],
)
def test_another_model_that_does_not_fit_is_refused(settings, message, tmp_path):
    save_model(small_model(**settings), tmp_path / "other.safetensors")
    name = "blocks.1.mlp" if "num_layers" in settings else "blocks.0.residual_post"
    with pytest.raises(ValueError, match=message):
        passed(small_model(), f"{name}:run={tmp_path / 'other.safetensors'}")


def test_every_site_can_be_held_to_another_model(tmp_path):
    save_model(small_model(seed=1), tmp_path / "other.safetensors")
    model = small_model()
    for name in site_names(model):
        logits, _ = passed(model, f"{name}:run={tmp_path / 'other.safetensors'}", positions="query")
        assert logits.shape == (BATCH, LABELS), name
