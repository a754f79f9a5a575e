"""The style check finds what it is there to find."""

import pathlib
import subprocess
import tempfile
import unittest

import check_style

HEADER = "// A thing.\n#pragma once\n"


class CheckStyle(unittest.TestCase):
    def findings(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return check_style.check(root)

    def assert_finds(self, name, text, what):
        findings = self.findings({name: text})
        self.assertTrue(any(what in finding for finding in findings), f"{findings} without {what!r}")

    def test_clean_files_pass(self):
        self.assertEqual([], self.findings({
            "src/log/a.h": HEADER + '#include "base/y.h"\n#include "protocol/x.h"\n#include <vector>\n',
            "src/coordinator/a.cc": '#include "metadata/image.h"\n',
            "src/net/a.cc": '#include <asio.hpp>\n#include "broker/clients/session.h"\n',
            "src/main.cc": '#include "broker/node.h"\n#include "net/server.h"\n',
            "src/net/CMakeLists.txt": "milena_library(net LINKS milena_base milena_broker)\n",
        }))

    def test_arrows_upwards_and_sideways(self):
        self.assert_finds("src/base/a.cc", '#include "log/log.h"\n', "base must not include log/log.h")
        self.assert_finds("src/log/a.cc", '#include "broker/shard.h"\n', "log must not include")
        self.assert_finds("src/log/a.cc", '#include "metadata/image.h"\n', "log must not include")
        self.assert_finds("src/coordinator/a.cc", '#include "log/log.h"\n', "coordinator must not include")
        self.assert_finds("src/coordinator/a.cc", '#include "metadata/controller.h"\n', "coordinator must not include")
        self.assert_finds("src/broker/a.cc", '#include "net/server.h"\n', "broker must not include")
        self.assert_finds("src/net/a.cc", '#include "broker/shard.h"\n', "net must not include")
        self.assert_finds("src/log/CMakeLists.txt", "milena_library(log LINKS milena_broker)\n", "log must not link")
        self.assert_finds("src/new/a.cc", "int a;\n", "not in the table")

    def test_handlers_reach_the_controller_by_requests(self):
        self.assert_finds("src/broker/api/a.cc", '#include "broker/controller/metadata_runtime.h"\n', "handlers must not include")
        self.assertEqual([], self.findings({"src/broker/a.cc": '#include "broker/controller/metadata_runtime.h"\n'}))

    def test_names_are_in_the_namespace_of_its_floor(self):
        self.assert_finds("src/log/a.cc", "namespace milena {\nint a;\n}\n", "this floor's namespace is milena::log")
        self.assert_finds("src/base/a.cc", "namespace milena::base {\nint a;\n}\n", "this floor's namespace is milena")
        self.assert_finds("src/net/a.cc", "namespace milena::broker {\nclass A;\nint f(A&);\n}\n\nnamespace milena::net {\n}\n",
                          "only classes are declared in milena::broker")
        self.assertEqual([], self.findings({
            "src/net/a.cc": "namespace milena::broker {\nclass A;\n}\n\nnamespace milena::net {\nint f(broker::A&);\n}\n",
            "src/protocol/a.cc": "namespace milena::codecs {\nint f();\n}\n",
        }))

    def test_sentences_have_a_subject(self):
        self.assert_finds("src/log/a.cc", "// What follows a cut goes.\n", "a sentence begins with What")
        self.assert_finds("tests/log/a.cc", "int a;  // The end. Who waits is told.\n", "a sentence begins with Who")
        self.assertEqual([], self.findings({
            "src/log/a.cc": "// Removes what follows a cut.\n// Who may lead? The first in sync.\nauto url = \"http://What a\";\n"}))

    def test_asio_stays_in_net(self):
        self.assert_finds("src/broker/a.cc", "#include <asio/ip/tcp.hpp>\n", "src/net only")
        self.assert_finds("src/net/a.h", HEADER + "#include <asio.hpp>\n", ".cc files only")

    def test_clocks_random_numbers_and_threads_come_from_an_executor(self):
        for line in ("getrandom(&x, 8, 0);", "std::random_device source;", "clock_gettime(id, &now);",
                     "auto now = std::chrono::steady_clock::now();", "std::thread thread(run);",
                     "Uuid::random(system_random());", "f(system_clock());"):
            self.assert_finds("src/broker/a.cc", line + "\n", "come from an Executor")
            self.assertEqual([], self.findings({"src/base/a.cc": line + "\n"}))
        self.assertEqual([], self.findings({"src/broker/a.cc": "int64_t now = clock.steady_ms();  // not std::thread\n"}))

    def test_no_order_by_address(self):
        self.assert_finds("src/broker/a.cc", "std::map<Shard*, int> counts;\n", "ordered by address")
        self.assert_finds("src/broker/a.cc", "std::unordered_set<const Shard*> seen;\n", "ordered by address")
        self.assertEqual([], self.findings({"src/broker/a.cc": "std::map<Log*, int, Log::ByPath> counts;\n"}))
        self.assertEqual([], self.findings({"src/broker/a.cc": "std::map<Bytes, Log*> logs;\n"}))

    def test_headers(self):
        self.assert_finds("src/base/a.h", HEADER + "#include <iostream>\n", "too heavy")
        self.assert_finds("src/base/a.h", "#pragma once\n", "begins with a comment")
        self.assert_finds("src/base/a.h", "// A thing.\n", "#pragma once")
        self.assert_finds("src/base/a.cc", '#include "a.h"\n', "name the folder")

    def test_line_lengths(self):
        line = "int a = " + "1" * 20 + ";\n"
        self.assertEqual([], self.findings({".clang-format": "ColumnLimit: 29\n", "src/base/a.cc": line}))
        findings = self.findings({".clang-format": "ColumnLimit: 28\n", "src/base/a.cc": line})
        self.assertEqual(["src/base/a.cc:1: 29 characters: .clang-format allows 28"], findings)

    def test_include_order(self):
        self.assert_finds("src/base/a.cc", '#include "base/c.h"\n#include "base/b.h"\n', "sort the includes")
        self.assertEqual([], self.findings({"src/base/a.cc": '#include "base/c.h"\n\n#include "base/b.h"\n'}))

    def test_stray_files(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "compat").mkdir()
            (root / "compat/.left").write_text("")
            (root / ".gitignore").write_text("")
            for command in (["init", "-q"], ["add", "-f", "."]):
                subprocess.run(["git", "-C", folder, *command], check=True)
            findings = check_style.check(root)
        self.assertEqual(["compat/.left:1: a stray file: remove it, or add it to DOT_FILES"], findings)

    def test_file_map(self):
        page = "### `src/base/`\n\n| file | what |\n|---|---|\n| `a`, `b*` | things |\n"
        files = {"DESIGN.md": page, "src/base/a.h": HEADER, "src/base/a.cc": "", "src/base/b_1.cc": ""}
        self.assertEqual([], self.findings(files))
        self.assertEqual(["DESIGN.md:2: src/base/c is missing in the table of src/base/"],
                         self.findings({**files, "src/base/c.cc": ""}))
        self.assertEqual(["DESIGN.md:5: src/base/b* does not exist"],
                         self.findings({"DESIGN.md": page, "src/base/a.cc": ""}))

    def test_behaviours(self):
        page = "## Where to find it\n\n| what | file | function |\n|---|---|---|\n| x | `src/base/a.cc` | `run` |\n"
        self.assertEqual([], self.findings({"DESIGN.md": page, "src/base/a.cc": "int run();\n"}))
        self.assertEqual(["DESIGN.md:5: src/base/a.cc does not contain run"],
                         self.findings({"DESIGN.md": page, "src/base/a.cc": "int stop();\n"}))
        self.assertEqual(["DESIGN.md:5: src/base/a.cc does not exist"], self.findings({"DESIGN.md": page}))

    def test_text(self):
        self.assert_finds("src/base/a.cc", "int a; \n", "blank at the end")
        self.assert_finds("src/base/a.cc", "\tint a;\n", "tab")
        self.assert_finds("src/base/a.cc", "int a;", "no newline")
        self.assert_finds("script/a", "a\r\n", "carriage return")
        self.assert_finds("tests/base/a.cc", "int a;\n" * 601, "more than 600")
        self.assertEqual([], self.findings({"tests/base/a.cc": "int a;\n" * 600, "build/a.cc": "\t\n"}))


if __name__ == "__main__":
    unittest.main()
