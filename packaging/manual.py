#!/usr/bin/env python3
"""Prints the manual page milena(1), made from the binary's own help. Usage: manual.py BINARY [RUNNER...] VERSION

RUNNER is a program that runs the binary where this machine cannot (qemu-aarch64-static).
"""
import os
import re
import subprocess
import sys


def help_of(runner, words):
    environment = dict(os.environ, COLUMNS="78")
    done = subprocess.run([*runner, *words], capture_output=True, text=True, env=environment)
    if done.returncode != 0 or not done.stdout.strip():
        sys.exit(f"manual.py: {' '.join(words)} printed no help: {done.stderr.strip()}")
    return done.stdout.rstrip()


def literal(text):
    lines = [line.replace("\\", "\\e").replace("-", "\\-") for line in text.split("\n")]
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def main():
    binary, runner, version = sys.argv[1], sys.argv[2:-1], sys.argv[-1]
    whole = help_of(runner, [binary, "help"])
    listed = whole[whole.index("\nCommands,"):].split("\n\n")[0]
    names = re.findall(r"^  ([a-z][a-z-]*)  ", listed, re.M)
    out = [f'.TH MILENA 1 "" "milena {version}" "User Commands"', ".SH NAME",
           "milena \\- a broker for Apache Kafka's clients, and its tools", ".SH DESCRIPTION", ".nf", literal(whole), ".fi"]
    for name in names:
        out += [f".SH MILENA {literal(name.upper())}", ".nf", literal(help_of(runner, [binary, name, "--help"])), ".fi"]
    out += [".SH FILES", ".TP", ".I /etc/milena/server.properties", "The settings of the service.", ".TP",
            ".I /var/lib/milena", "Its data, in the formats of Apache Kafka.", ".SH EXIT STATUS",
            "0, 1 when something failed, 2 when the words could not be understood."]
    print("\n".join(out))


main()
