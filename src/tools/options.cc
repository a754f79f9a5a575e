#include "tools/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <limits>

namespace milena::tools {
namespace {

constexpr size_t kScreenColumns = 80;
constexpr size_t kHelpColumn = 34;

// `text` wrapped to the screen's width; all lines but the first are indented.
std::string wrapped(const std::string& text, size_t column) {
  std::string out;
  size_t at = column;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(' ', begin), text.size());
    size_t length = end - begin;
    if (at > column && at + 1 + length >= kScreenColumns) {
      out += "\n" + std::string(column, ' ');
      at = column;
    } else if (at > column) {
      out += ' ';
      at++;
    }
    out.append(text, begin, length);
    at += length;
    begin = end + 1;
  }
  return out;
}

}  // namespace

struct Options::Parts {
  struct Shown {
    std::string names;
    std::string value;
    std::string help;
    bool is_word = false;
  };

  Style style;
  std::string program;
  std::string summary;
  std::string usage;
  CLI::App app;
  std::vector<Shown> shown;
  std::vector<std::string> examples;
  bool help_wanted = false;
  bool version_wanted = false;

  CLI::Option* add(const char* names, CLI::callback_t take, const char* value, const char* help) {
    CLI::Option* option = app.add_option(names, std::move(take))->expected(1)->allow_extra_args(false);
    shown.push_back({names, value, help, names[0] != '-'});
    return option;
  }
};

Options::Options(Style style, std::string program, std::string summary, std::string usage)
    : parts_(std::make_unique<Parts>()) {
  parts_->style = style;
  parts_->program = std::move(program);
  parts_->summary = std::move(summary);
  parts_->usage = std::move(usage);
  parts_->app.set_help_flag();
  parts_->app.add_flag("-h,--help", parts_->help_wanted);
  parts_->app.add_flag("--version", parts_->version_wanted);
}

Options::~Options() = default;

namespace {

// The last given value.
template <class Text>
CLI::callback_t last_into(Text& to) {
  return [&to](const CLI::results_t& given) {
    to = given.back();
    return true;
  };
}

CLI::callback_t all_into(std::vector<std::string>& to) {
  return [&to](const CLI::results_t& given) {
    to = given;
    return true;
  };
}

bool read_number(const std::string& text, int64_t& to) {
  return CLI::detail::lexical_cast(text, to);
}

}  // namespace

void Options::flag(const char* names, bool& to, const char* help) {
  parts_->app.add_flag(names, to);
  parts_->shown.push_back({names, "", help});
}

void Options::text(const char* names, std::string& to, const char* value, const char* help) {
  parts_->add(names, last_into(to), value, help)->take_last();
}

void Options::text(const char* names, std::optional<std::string>& to, const char* value, const char* help) {
  parts_->add(names, last_into(to), value, help)->take_last();
}

void Options::texts(const char* names, std::vector<std::string>& to, const char* value, const char* help) {
  parts_->add(names, all_into(to), value, help)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Options::maybe_text(const char* names, std::optional<std::string>& to, const char* value, const char* help) {
  auto take = [&to](const CLI::results_t& given) {
    to = given.empty() ? std::string() : given.back();
    if (*to == "{}") to->clear();  // CLI11's placeholder for a missing value
    return true;
  };
  parts_->add(names, take, value, help)->expected(0, 1)->take_last();
}

void Options::number(const char* names, int64_t& to, const char* value, const char* help) {
  parts_
      ->add(
          names, [&to](const CLI::results_t& given) { return read_number(given.back(), to); }, value, help)
      ->take_last();
}

void Options::number(const char* names, std::optional<int64_t>& to, const char* value, const char* help) {
  auto take = [&to](const CLI::results_t& given) { return read_number(given.back(), to.emplace()); };
  parts_->add(names, take, value, help)->take_last();
}

void Options::word(const char* name, std::string& to, const char* help) {
  parts_->add(name, last_into(to), "", help);
}

void Options::words(const char* name, std::vector<std::string>& to, const char* help) {
  parts_->add(name, all_into(to), "", help)
      ->expected(0, std::numeric_limits<int>::max() / 2)
      ->allow_extra_args();
}

void Options::ignored(const char* names, const char* value, const char* help) {
  parts_
      ->add(
          names, [](const CLI::results_t&) { return true; }, value, help)
      ->take_last();
}

void Options::ignored_flag(const char* names, const char* help) {
  parts_->app.add_flag(names);
  parts_->shown.push_back({names, "", help});
}

void Options::example(const char* line) {
  parts_->examples.emplace_back(line);
}

std::string Options::help() const {
  std::string out = wrapped(parts_->summary, 0) + "\n\nUsage: ";
  std::string indent(sizeof "Usage: " - 1, ' ');
  for (size_t begin = 0; begin <= parts_->usage.size();) {
    size_t end = std::min(parts_->usage.find('\n', begin), parts_->usage.size());
    std::string line = parts_->program + " " + parts_->usage.substr(begin, end - begin);
    out += (begin == 0 ? "" : indent) + wrapped(line, indent.size()) + "\n";
    begin = end + 1;
  }
  out += "\n";
  for (const Parts::Shown& option : parts_->shown) {
    std::string names = option.names;
    for (size_t comma = names.find(','); comma != std::string::npos; comma = names.find(',', comma + 2)) {
      names.insert(comma + 1, " ");
    }
    std::string left = "  " + (option.is_word ? "<" + names + ">" : names);
    if (!option.value.empty()) left += " <" + option.value + ">";
    if (left.size() + 2 > kHelpColumn)
      left += "\n" + std::string(kHelpColumn, ' ');
    else
      left.resize(kHelpColumn, ' ');
    out += left + wrapped(option.help, kHelpColumn) + "\n";
  }
  if (!parts_->examples.empty()) out += "\nExamples\n";
  for (const std::string& example : parts_->examples) out += "  " + example + "\n";
  return out;
}

int Options::mistake(const std::string& message) const {
  if (parts_->style == Style::kKafka) {
    std::fprintf(stderr, "%s\n%s", message.c_str(), help().c_str());
    return 1;
  }
  std::fprintf(stderr, "%s: %s (see %s --help)\n", parts_->program.c_str(), message.c_str(),
               parts_->program.c_str());
  return kUsageMistake;
}

std::optional<int> Options::parse(std::span<const char* const> words) {
  if (!words.empty() && std::string_view(words.front()) == kListOptions) {
    for (const CLI::Option* option : parts_->app.get_options()) {
      for (const std::string& name : option->get_lnames()) fmt::print("--{}\n", name);
    }
    return 0;
  }
  std::vector<std::string> reversed(words.begin(), words.end());  // CLI11 takes them from the back
  std::reverse(reversed.begin(), reversed.end());
  try {
    parts_->app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (!parts_->help_wanted) return mistake(error.what());
  }
  if (parts_->help_wanted) {
    fmt::print("{}", help());
    return 0;
  }
  if (parts_->version_wanted) {
    // The release of Kafka whose tools these replace comes first, as scripts expect.
    fmt::print("4.3.1 (Milena)\n");
    return 0;
  }
  return std::nullopt;
}

}  // namespace milena::tools
