#!/usr/bin/python3
"""Programs that are linked statically with musl: examples, and what they say when they are killed.

The tests in C++ cannot be built for musl; go_c_test and the fuzz targets' replays can.
"""

import os
import re
import signal
import socket
import struct
import subprocess
import unittest
import urllib.request

GROWTHS = subprocess.run(["bench/strategies"], stdout=subprocess.PIPE, text=True,
                         check=True).stdout.split()
PRINTED = {
    "cond_queue": "3 producers, 2 consumers: 3000 items, sum 1501500\n"
                  "never more than 8 in the queue: yes\n",
    "fanin": "".join("producer %d: 1000 numbers\n" % i for i in range(4)) + "total: 7998000\n",
    "hello": "hello, world, from goroutine 2\n",
    "pipeline": "the squares of 1 to 1000 add up to 333833500\n",
    "ring 50 20": "50 goroutines, 20 laps: 1000 hops\n",
    "scope": "4 children count the primes below 100000: 9592\n"
             "one child fails (its deadline has passed): 3 of 3 others stop\n",
    "skynet 1000": "499500\n",
}
PT_INTERP = 3


def example(line, growth):
    name, *arguments = line.split()
    return subprocess.Popen(["examples/" + name] + arguments, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "GO_GROWTH": growth})


class Musl(unittest.TestCase):
    def test_nothing_is_left_to_the_dynamic_linker(self):
        with open("examples/hello", "rb") as f:
            elf = f.read()
        offset, = struct.unpack_from("<Q", elf, 32)
        size, count = struct.unpack_from("<HH", elf, 54)
        types = [struct.unpack_from("<I", elf, offset + i * size)[0] for i in range(count)]
        self.assertGreater(len(types), 3)
        self.assertNotIn(PT_INTERP, types)

    def test_examples_print_the_same_under_every_strategy(self):
        for growth in GROWTHS:
            for line, wanted in PRINTED.items():
                with self.subTest(line, growth=growth):
                    process = example(line, growth)
                    self.assertEqual(process.communicate()[0], wanted)
                    self.assertEqual(process.returncode, 0)

    def test_http_is_answered(self):
        for growth in GROWTHS:
            server = example("http_hello", growth)
            try:
                port = int(re.search(r":(\d+)\n", server.stdout.readline())[1])
                with urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=60) as answer:
                    self.assertEqual((answer.status, answer.read()), (200, b"hello, world\n"))
            finally:
                server.kill()
                server.communicate()

    def test_a_server_serves_and_its_last_words_name_its_calls(self):
        server = example("echo_server", "signal")
        port = int(re.fullmatch(r"listening on 127.0.0.1:(\d+)\n", server.stdout.readline())[1])
        sent = os.urandom(1 << 20)
        with socket.create_connection(("127.0.0.1", port)) as client:
            got = b""
            for at in range(0, len(sent), 5000):
                client.sendall(sent[at:at + 5000])
                while len(got) < at:
                    got += client.recv(65536)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                got += piece
        self.assertEqual(got, sent)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(1), b"x")  # its goroutine waits for more
            server.send_signal(signal.SIGQUIT)
            words = server.communicate()[0]
        self.assertEqual(server.returncode, -signal.SIGQUIT)
        self.assertRegex(words, r"go_tcp_read\+0x\w+ tcp\.c:\d+.*\n"
                                r".* echo\+0x\w+ echo_server\.c:\d+")


if __name__ == "__main__":
    unittest.main(verbosity=2)
