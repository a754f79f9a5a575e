// milena completion: scripts for bash and zsh. They ask the program itself for the options of a command, so they stay
// up to date.
#include <fmt/format.h>

#include "tools/commands.h"
#include "tools/options.h"

namespace milena::tools {
namespace {

constexpr char kBash[] = R"sh(# Completion of milena for bash: eval "$(milena completion bash)"
_milena() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "@COMMANDS@ config health help version" -- "$word")
      $(compgen -f -X '!*.@(properties|yaml)' -- "$word"))
    return
  fi
  case $before in
    -F|--format) COMPREPLY=($(compgen -W "value key-value full json" -- "$word")); return ;;
    -z|--compress) COMPREPLY=($(compgen -W "none gzip snappy lz4 zstd" -- "$word")); return ;;
    --command-config) COMPREPLY=($(compgen -f -- "$word")); return ;;
    -b|--bootstrap-server|-n|--count|-p|--partitions) return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$(milena "$command" @LIST@ 2>&-)" -- "$word")); return ;;
  esac
  case $command in
    cat|consume|produce)
      COMPREPLY=($(compgen -W "$(milena topics --list 2>&-)" -- "$word")) ;;
    topics)
      if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "list describe create alter delete" -- "$word"))
      else COMPREPLY=($(compgen -W "$(milena topics --list 2>&-)" -- "$word")); fi ;;
    groups)
      if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "list describe move delete" -- "$word"))
      else COMPREPLY=($(compgen -W "$(milena kafka-consumer-groups --bootstrap-server localhost:9092 --list 2>&-)" \
        -- "$word")); fi ;;
    configs)
      [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "topic broker logger group client-metrics" -- "$word")) ;;
    users) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "list set delete" -- "$word")) ;;
    acls) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "list allow deny delete" -- "$word")) ;;
    perf) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "produce consume" -- "$word")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -F _milena milena
)sh";

constexpr char kZsh[] = R"sh(#compdef milena
# Completion of milena for zsh: eval "$(milena completion zsh)"
autoload -U +X bashcompinit && bashcompinit
)sh";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace

int run_completion(ToolWords words) {
  Options options(Options::Style::kOwn, "milena completion", "Prints a script that completes milena's commands.",
                  "bash|zsh");
  std::string shell;
  options.word("shell", shell, "bash or zsh.");
  options.example("eval \"$(milena completion bash)\"");
  options.example("milena completion bash > /usr/share/bash-completion/completions/milena");
  if (auto code = options.parse(words)) return *code;
  if (shell != "bash" && shell != "zsh") return options.mistake("expected bash or zsh");
  std::string commands;
  for (const ToolCommand& command : tool_commands()) {
    if (command.summary != nullptr) commands += (commands.empty() ? "" : " ") + std::string(command.name);
  }
  std::string script = replaced(replaced(kBash, "@COMMANDS@", commands), "@LIST@", kListOptions);
  fmt::print("{}{}", shell == "zsh" ? kZsh : "", script);
  return 0;
}

}  // namespace milena::tools
