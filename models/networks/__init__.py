"""The networks, a module each, called as the user calls it. A module that is put here is known everywhere.

Such a module has a function ``build(size)`` that returns an untrained Keras model, and a :data:`RECIPE` that says how
it is trained. Every network takes float32 ``(n, size, size, 1)`` grey crops in 0..1 and has the output ``emotion``:
float32 ``(n, 7)`` softmax probabilities in the order of :data:`models.emotions.EMOTIONS`. It may have a second one,
``votes``: ``(n, 10)`` in the order of :data:`models.data.faces.FERPLUS`.

Names are read from the folder, and modules import Keras only in ``build``: recipes are wanted before Keras is loaded,
and by scripts on machines without it.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final

from models.data.faces import CROP_SIZE
from models.errors import UnknownNetworkError, UnknownRecipeError

if TYPE_CHECKING:
    import keras

    from models.recipe import Recipe

DEFAULT: Final = "default"


def network_names() -> list[str]:
    """Return the names of all networks, the default first."""
    return sorted((module.name for module in iter_modules(__path__)), key=lambda name: (name != DEFAULT, name))


def build(name: str, size: int = CROP_SIZE) -> "keras.Model":
    """Build the network called ``name``, untrained, for crops of ``size`` px.

    Raises:
        UnknownNetworkError: no network has this name.
    """
    if name not in (known := network_names()):
        raise UnknownNetworkError(f"no network is called {name!r}; known networks: {', '.join(known)}")
    return _module(name).build(size)


def find_recipe(name: str) -> "Recipe":
    """Return the recipe of the network called ``name``.

    Raises:
        UnknownRecipeError: there is none.
    """
    if name not in (known := network_names()):
        raise UnknownRecipeError(f"no recipe is called {name!r}; known recipes: {', '.join(known)}")
    recipe: Recipe = _module(name).RECIPE
    return recipe


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")
