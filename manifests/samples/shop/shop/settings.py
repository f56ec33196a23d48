"""The shop's configuration: read at the start, and again whenever the file changes."""

import os

import yaml

PATH = os.environ.get("SHOP_CONFIG", "/etc/shop/config.yaml")


class Settings:
    """The last configuration that could be read, and what is wrong with the file now (None: nothing)."""

    def __init__(self, path=PATH):
        self.path = path
        self.error = None
        self.pool, self.currency, self.page = 0, "EUR", 5
        self._seen = None
        self.refresh()

    def refresh(self):
        try:
            stat = os.stat(self.path)
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen == self._seen:
                return
            self._seen = seen
            with open(self.path, encoding="utf-8") as file:
                values = yaml.safe_load(file)
            self.pool = int(values["db"]["pool"])
            self.currency = str(values["catalog"]["currency"])
            self.page = int(values["catalog"]["page"])
            self.error = None
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            self.error = f"{self.path}: {error}"
