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

// Works as a file of fpath by the name _milena, whose text becomes the function when it is first wanted, and by eval.
constexpr char kZsh[] = R"sh(#compdef milena
# Completion of milena for zsh: eval "$(milena completion zsh)", or this file as _milena in a directory of fpath.
_milena_topics() {
  local -a topics
  topics=(${(f)"$(milena topics --list 2>/dev/null)"})
  compadd -a topics
}
_milena_groups() {
  local -a groups
  groups=(${(f)"$(milena kafka-consumer-groups --bootstrap-server localhost:9092 --list 2>/dev/null)"})
  compadd -a groups
}
_milena() {
  local command=$words[2] before=$words[CURRENT-1]
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
@DESCRIBED@
      'config:prints the settings that hold'
      'health:whether a broker serves'
      'help:what there is'
      'version:which Milena this is'
    )
    _describe -t commands 'command of milena' commands
    _files -g '*.(properties|yaml)'
    return
  fi
  case $before in
    -F|--format) compadd value key-value full json; return ;;
    -z|--compress) compadd none gzip snappy lz4 zstd; return ;;
    --command-config) _files; return ;;
    -b|--bootstrap-server|-n|--count|-p|--partitions) return ;;
  esac
  if [[ $words[CURRENT] == -* ]]; then
    local -a options
    options=(${(f)"$(milena $command @LIST@ 2>/dev/null)"})
    compadd -a options
    return
  fi
  case $command in
    cat|consume|produce) _milena_topics ;;
    topics) if (( CURRENT == 3 )); then compadd list describe create alter delete; else _milena_topics; fi ;;
    groups) if (( CURRENT == 3 )); then compadd list describe move delete; else _milena_groups; fi ;;
    configs) (( CURRENT == 3 )) && compadd topic broker logger group client-metrics ;;
    users) (( CURRENT == 3 )) && compadd list set delete ;;
    acls) (( CURRENT == 3 )) && compadd list allow deny delete ;;
    perf) (( CURRENT == 3 )) && compadd produce consume ;;
    completion) compadd bash zsh ;;
    *) _files ;;
  esac
}
if [[ $funcstack[1] == _milena ]]; then
  _milena "$@"
else
  compdef _milena milena
fi
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
  std::string commands, described;
  for (const ToolCommand& command : tool_commands()) {
    if (command.summary == nullptr) continue;
    commands += (commands.empty() ? "" : " ") + std::string(command.name);
    described += fmt::format("{}      '{}:{}'", described.empty() ? "" : "\n", command.name,
                             replaced(command.summary, "'", "'\\''"));
  }
  std::string script = shell == "zsh" ? replaced(kZsh, "@DESCRIBED@", described)
                                      : replaced(kBash, "@COMMANDS@", commands);
  fmt::print("{}", replaced(script, "@LIST@", kListOptions));
  return 0;
}

}  // namespace milena::tools
