"""Which rows are learnt: one file a data set, with its decoder and its stand-in.

`Task` lists what may be chosen; see :class:`pnn.tasks.task.TaskBase` for what a task says of itself.
"""

from .boolq import BoolQ, BoolQWords
from .cifar import CIFAR10, CIFAR100
from .digits import Digits
from .fsdd import FSDD
from .hapt import HAPT
from .higgs import HIGGS
from .known import Known
from .mnist import MNIST, FashionMNIST
from .own import OwnRows
from .speech_commands import SpeechCommands
from .task import TaskBase
from .uci_har import UCIHAR

Task = (
    CIFAR10
    | CIFAR100
    | BoolQ
    | BoolQWords
    | HIGGS
    | Digits
    | MNIST
    | FashionMNIST
    | FSDD
    | SpeechCommands
    | HAPT
    | UCIHAR
    | Known
    | OwnRows
)

__all__ = ["Task", "TaskBase"]
