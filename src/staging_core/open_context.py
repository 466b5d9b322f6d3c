"""What an opening backend may know of us: little, and its secrets by name only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from staging_core.config import Settings
from staging_core.config.placeholder import check_secret
from staging_core.errors import MissingSetting
from staging_core.interfaces import KeyBook, Standings
from staging_core.interfaces.opening import Role
from staging_core.models import KeyUse, Period, Standing

S = TypeVar("S")


class NoKeys:
    """Implements ``KeyBook`` where no installation is open: there is no key."""

    async def use(self, digest: str) -> KeyUse | None:
        """None."""
        return None


class NewAccounts:
    """Implements ``Standings`` where no installation is open: everybody is new."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock

    async def of(self, account_id: str) -> Standing:
        """With the whole allowance of the usual plan."""
        code = self._settings.default_plan
        plan = self._settings.plans[code]
        return Standing(
            account_id=account_id,
            plan_code=code,
            plan=plan,
            period=Period.month_of(self._clock()),
            allowance=plan.images,
            overage=plan.overage_images,
        )


class BackendContext:
    """Implements ``AuthContext`` and ``BillingContext``.

    ``plugin``: whose table ``settings`` reads.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        plugin: str,
        role: Role,
        clock: Callable[[], float],
        variable: Callable[[str], str | None],
        keys: KeyBook,
        standings: Standings,
    ) -> None:
        self._settings = settings
        self._plugin = plugin
        self._role: Role = role
        self._clock = clock
        self._variable = variable
        self._keys = keys
        self._standings = standings
        self._given: set[str] = set()

    @property
    def role(self) -> Role:
        """What this process is for."""
        return self._role

    @property
    def home(self) -> Path:
        """The installation's folder."""
        return self._settings.home

    @property
    def keys(self) -> KeyBook:
        """The installation's API keys."""
        return self._keys

    @property
    def standings(self) -> Standings:
        """Where the installation's accounts stand."""
        return self._standings

    def clock(self) -> float:
        """Unix time in seconds."""
        return self._clock()

    def secret(self, name: str) -> str:
        """The value of the variable ``name``; ``MissingSetting`` names it when unset or empty.

        ``SettingError`` when it is what an example says.
        """
        value = self._variable(name)
        if not value:
            raise MissingSetting(
                f"The variable {name} is not set; the plugin {self._plugin!r} needs it.",
                remedy=f"Set {name} in the environment.",
            )
        check_secret(value, name)
        self._given.add(value)
        return value

    def settings(self, shape: type[S]) -> S:
        """The table ``[plugins.NAME]`` of the backend's plugin as a struct of ``shape``."""
        return self._settings.plugin(self._plugin, shape)

    def without_secrets(self, text: str) -> str:
        """``text`` with every secret that was handed out replaced by ``***``."""
        for value in self._given:
            text = text.replace(value, "***")
        return text
