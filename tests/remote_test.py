#!/usr/bin/python3
"""Bazel's remote cache, as docs/remote.md sets one up: what one machine builds, others are handed.

A copy of the tree is built into nginx's cache; another, elsewhere, with nothing kept, takes all of
it from there.  The server is the one of docs/remote.md, but for its port and folder.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

TMP = os.environ["TEST_TMPDIR"]
# C and assembly, an archive and a link; small.
TARGETS = ["//tests:preindexed_program", "//runtime/arch/x86_64"]
TEST = "//tests:darwin_units_test"  # in C, of few files
HEADER = "runtime/arch/aarch64/preindexed.h"
PROGRAM = "bazel-bin/tests/preindexed_program"
TREE = [".bazelrc", "BUILD", "WORKSPACE", "runtime", "tests", "third_party", "toolchain"]
# Repositories that lie in this one: Bazel lays them out beside it.
SHIMS = {"remote_coverage_tools": "coverage_tools", "rules_cc": "rules_cc",
         "rules_java": "rules_java"}
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
MISSING = [tool for tool, found in (("nginx", NGINX), ("bazel", shutil.which("bazel")))
           if not found]

# What Debian's own /etc/nginx/nginx.conf is to the file of docs/remote.md.
CONFIGURATION = """%(user)s
daemon off;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events {}
http {
  access_log %(folder)s/access.log;
  client_body_temp_path %(folder)s/body;
  proxy_temp_path %(folder)s/proxy;
  fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi;
  scgi_temp_path %(folder)s/scgi;
%(server)s
}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """nginx on a port of its own, until stop()."""

    def __init__(self):
        self.folder = os.path.join(TMP, "nginx")
        self.port = free_port()
        with open("docs/remote.md") as f:
            server = re.search(r"^```nginx\n(.*?)^```", f.read(), re.S | re.M)[1]
        server, ports = re.subn(r"listen \S+;", "listen 127.0.0.1:%d;" % self.port, server)
        server, folders = re.subn(r"/var/cache/stacklab", self.folder, server)
        assert ports == 1 and folders >= 2, server
        os.makedirs(os.path.join(self.folder, "tmp"))
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as f:
            f.write(CONFIGURATION % {"folder": self.folder, "server": server,
                                     "user": "user root;" if os.getuid() == 0 else ""})
        self.process = subprocess.Popen([NGINX, "-c", path, "-e", self.folder + "/error.log"])

    def answers(self):
        """Waits until it listens; False if it has ended instead."""
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except ConnectionRefusedError:
                pass
        return False

    def requests(self):
        """(method, path, status) of all so far."""
        with open(os.path.join(self.folder, "access.log")) as f:
            return re.findall(r'"(\w+) (\S+) HTTP/1.1" (\d+)', f.read())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Machine:
    """A copy of the tree in a folder of its own, and a Bazel that keeps nothing of others."""

    def __init__(self, name, server):
        self.tree = os.path.join(TMP, name, "stacklab")
        self.output = os.path.join(TMP, name, "output")
        self.cache = "http://127.0.0.1:%d/" % server.port
        for path in TREE:
            to = os.path.join(self.tree, path)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, to)
        for name, path in SHIMS.items():
            to = os.path.join(self.tree, "third_party", "bazel", path)
            shutil.copytree(os.path.join("..", name), to, dirs_exist_ok=True)
            open(os.path.join(to, "WORKSPACE"), "a").close()

    def bazel(self, command, *arguments):
        startup = ["--nohome_rc", "--output_base=" + self.output, "--max_idle_secs=60"]
        ran = subprocess.run(["bazel"] + startup + [command] + list(arguments), cwd=self.tree,
                             env={"PATH": os.environ["PATH"], "HOME": TMP, "USER": "nobody"},
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return ran.returncode, ran.stdout

    def build(self, test):
        """Builds TARGETS; returns how many actions there were of each kind."""
        code, text = self.bazel("build", "--remote_cache=" + self.cache, "--jobs=2", *TARGETS)
        test.assertEqual(code, 0, text)
        line = re.search(r"INFO: \d+ process(?:es)?: (.*)\.", text)
        return {kind: int(n) for n, kind in re.findall(r"(\d+) ([a-z\- ]+)", line[1])}

    def test(self, test):
        """Runs TEST; returns what is said of it: "PASSED", perhaps after "(cached)"."""
        code, text = self.bazel("test", "--remote_cache=" + self.cache, "--jobs=2", TEST)
        test.assertEqual(code, 0, text)
        return re.search(re.escape(TEST) + r"\s+((?:\(cached\) )?[A-Z]+) in", text)[1]

    def program(self):
        with open(os.path.join(self.tree, PROGRAM), "rb") as f:
            return f.read()


@unittest.skipIf(MISSING, "no " + " ".join(MISSING))
class RemoteCache(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.assertTrue(self.server.answers(), "nginx does not start")

    def machine(self, name):
        machine = Machine(name, self.server)
        self.addCleanup(machine.bazel, "shutdown")
        return machine

    def test_what_one_machine_builds_others_are_handed(self):
        first = self.machine("first")
        built = first.build(self)
        self.assertNotIn("remote cache hit", built)
        actions = sum(n for kind, n in built.items() if kind != "internal")
        self.assertGreaterEqual(actions, 8, built)
        stored = self.server.requests()
        self.assertGreaterEqual(sum(method == "PUT" for method, _, _ in stored), actions)
        # 204: it was there already, from an equal output of another action.
        self.assertEqual({status for method, _, status in stored if method == "PUT"} - {"204"},
                         {"201"})

        second = self.machine("second")
        handed = second.build(self)
        self.assertEqual(handed.get("remote cache hit"), actions, handed)
        self.assertEqual(set(handed), {"internal", "remote cache hit"})
        self.assertEqual(first.program(), second.program())
        since = self.server.requests()[len(stored):]
        self.assertEqual({(method, status) for method, _, status in since}, {("GET", "200")})

        # What a test came to is handed out, too.
        self.assertEqual([first.test(self), second.test(self)], ["PASSED", "(cached) PASSED"])

        # What depends on a header is not handed out once that has changed; all else still is.
        with open(os.path.join(second.tree, HEADER), "a") as f:
            f.write("// changed\n")
        second.bazel("clean")
        mixed = second.build(self)
        ran = sum(n for kind, n in mixed.items() if kind not in ("internal", "remote cache hit"))
        self.assertGreaterEqual(ran, 2, mixed)
        self.assertGreaterEqual(mixed.get("remote cache hit", 0), 5, mixed)


if __name__ == "__main__":
    if MISSING:
        print("SKIPPED: no " + " ".join(MISSING))
    unittest.main(argv=sys.argv[:1], verbosity=2)
