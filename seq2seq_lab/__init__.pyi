# The public names, and the module that each is loaded from when it is first used. Type checkers take a name
# for public if it is written `X as X`.

from ._internals.accumulation import accumulated as accumulated
from .attention import (
    AdditiveAttention as AdditiveAttention,
    Attention as Attention,
    AttentionDecoder as AttentionDecoder,
)
from .contracts import (
    DecoderLike as DecoderLike,
    DecoderOutput as DecoderOutput,
    EncoderLike as EncoderLike,
    Hypothesis as Hypothesis,
)
from .data import (
    Batch as Batch,
    get_batch as get_batch,
    get_block as get_block,
    is_held_out as is_held_out,
    make_batch as make_batch,
)
from .decoder_only import (
    DecoderOnly as DecoderOnly,
    LanguageModel as LanguageModel,
    NoEncoder as NoEncoder,
)
from .decoding import (
    BeamSearch as BeamSearch,
    Greedy as Greedy,
    Sampling as Sampling,
)
from .encoder_decoder import (
    Decoder as Decoder,
    Encoder as Encoder,
    unroll as unroll,
)
from .exercises.checking import (
    answer_or_reference as answer_or_reference,
    check as check,
    progress as progress,
    symptom as symptom,
)
from .gru import (
    GRUCell as GRUCell,
    gru_states as gru_states,
)
from .loss import (
    accuracy_after_mistake as accuracy_after_mistake,
    accuracy_by_position as accuracy_by_position,
    exact_match as exact_match,
    sequence_loss as sequence_loss,
    token_accuracy as token_accuracy,
)
from .model import Seq2Seq as Seq2Seq
from .runtime import setup as setup
from .settings import (
    Settings as Settings,
    with_attention as with_attention,
)
from .training import (
    evaluate as evaluate,
    held_out as held_out,
    load as load,
    restart as restart,
    train as train,
    warm_up as warm_up,
)
from .transformer import (
    TransformerDecoder as TransformerDecoder,
    TransformerEncoder as TransformerEncoder,
    adam_with_warm_up as adam_with_warm_up,
)
from .views.bands import plot_bands as plot_bands
from .views.curves import (
    accuracy_by_length as accuracy_by_length,
    plot_accuracy_by_length as plot_accuracy_by_length,
    plot_accuracy_by_position as plot_accuracy_by_position,
    plot_histories as plot_histories,
    plot_history as plot_history,
    plot_lines as plot_lines,
    plot_mask as plot_mask,
    plot_result as plot_result,
)
from .views.embeddings import (
    nearest as nearest,
    plot_embeddings as plot_embeddings,
)
from .views.guesses import (
    guess as guess,
    guessed as guessed,
    reveal as reveal,
)
from .views.live import LiveCurve as LiveCurve
from .views.maps import (
    AttentionMap as AttentionMap,
    AttentionWatch as AttentionWatch,
    attention_map as attention_map,
    forbidden_map as forbidden_map,
    mean_attention as mean_attention,
    plot_attention as plot_attention,
    plot_attention_maps as plot_attention_maps,
    plot_mean_attention as plot_mean_attention,
    plot_trace as plot_trace,
    removal_map as removal_map,
)
from .views.page import save_page as save_page
from .views.panel import lab_panel as lab_panel
from .views.tables import (
    mistake_table as mistake_table,
    variable_table as variable_table,
)
from .views.trace import (
    Trace as Trace,
    trace as trace,
)
from .views.trees import (
    answer_tree as answer_tree,
    plot_tree as plot_tree,
)
from .views.units import (
    order_of_units as order_of_units,
    plot_units as plot_units,
)
from .vocabulary import (
    decode as decode,
    encode as encode,
    print_valid_characters as print_valid_characters,
)
