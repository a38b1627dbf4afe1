"""A load of real inference: nodes that hold a model are asked without a pause."""

import json
import random
import threading
import urllib.error
import urllib.request

from . import machine

TOKENS = 256
ASKERS_MAX = 32
PROMPTS = ["Once upon a time", "One day, a little girl", "The big dog", "There was a boy named Tom"]


class Load:
    """Keeps every processor busy by asking nodes for completions; adds askers until it is so."""

    def __init__(self, urls, model, share=0.99):
        self.urls, self.model, self.share = urls, model, share
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.answers = self.tokens = self.failures = 0
        self.last_failure = None
        self.askers = []
        self.busy = machine.BusyShare()

    def start(self, askers):
        self.busy.start()
        for _ in range(askers):
            self.add()

    def add(self):
        asker = threading.Thread(target=self.ask, args=(len(self.askers),), daemon=True)
        self.askers.append(asker)
        asker.start()

    def avoid(self, url):
        """A node that will be killed is asked no more."""
        self.urls = [other for other in self.urls if other != url]

    def keep_up(self):
        """Called every few seconds: one more asker where a processor had time left."""
        if self.busy.recent(5) < self.share and len(self.askers) < ASKERS_MAX:
            self.add()

    def ask(self, number):
        chance = random.Random(number)
        while not self.stopping.is_set():
            body = json.dumps({
                "model": self.model, "prompt": chance.choice(PROMPTS), "max_tokens": TOKENS,
                "temperature": 1, "seed": chance.getrandbits(31)}).encode()
            request = urllib.request.Request(
                chance.choice(self.urls) + "/v1/completions", body,
                {"content-type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    usage = json.load(answer)["usage"]
                with self.lock:
                    self.answers += 1
                    self.tokens += usage["completion_tokens"]
            except (OSError, ValueError, KeyError, urllib.error.URLError) as failure:
                with self.lock:
                    self.failures += 1
                    self.last_failure = str(failure)
                self.stopping.wait(0.2)

    def finish(self, seconds):
        self.stopping.set()
        for asker in self.askers:
            asker.join(60)
        busy = self.busy.finish()
        return {"askers": len(self.askers), "answers": self.answers,
                "tokens_per_second": self.tokens / seconds, "failures": self.failures,
                "last_failure": self.last_failure, "processors_busy": busy["mean"],
                "processors_busy_lowest_10_seconds": busy["lowest_10_seconds"]}
