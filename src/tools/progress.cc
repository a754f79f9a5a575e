#include "tools/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>

#include "tools/output.h"

namespace milena::tools {
namespace {

constexpr int64_t kFirst_ns = 1'000'000'000, kBetween_ns = 100'000'000;
constexpr size_t kUsualColumns = 80, kWidestBar = 30, kNarrowestBar = 6;
// A terminal may claim any size.
constexpr size_t kMaxColumns = 200;

bool can_draw_on(int terminal) {
  const char* kind = std::getenv("TERM");
  return ::isatty(terminal) == 1 && kind != nullptr && ByteView(kind) != "dumb" && ByteView(kind) != "";
}

size_t columns_of(int terminal) {
  winsize size{};
  if (::ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return std::min<size_t>(size.ws_col, kMaxColumns);
}

std::string amount_text(double amount, Progress::Unit unit) {
  if (unit == Progress::Unit::kBytes) return readable_bytes(static_cast<int64_t>(amount));
  return amount < 1e6 ? fmt::format("{:.0f}", amount) : fmt::format("{:.1f} M", amount / 1e6);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::min(seconds, 359'999.0));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

double seconds_of(int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

}  // namespace

Progress::Progress(std::string what, int64_t total, Unit unit, int beside, int terminal, const Clock& clock)
    : what_(std::move(what)),
      unit_(unit),
      terminal_(terminal),
      shows_(can_draw_on(terminal) && (beside < 0 || ::isatty(beside) == 0)),
      clock_(clock),
      begin_ns_(clock.steady_ns()),
      total_(total),
      next_ns_(begin_ns_ + kFirst_ns) {}

Progress::~Progress() {
  clear();
}

void Progress::at(int64_t done) {
  done_ = done;
  if (!shows_ || done < look_at_) return;
  const int64_t now_ns = clock_.steady_ns();
  if (now_ns < next_ns_) {
    // So often that the clock is asked some times in each interval, whatever the speed.
    const double seconds = seconds_of(now_ns - begin_ns_);
    const double speed = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    look_at_ = done + static_cast<int64_t>(std::min(speed * 0.02, 1e9));
    return;
  }
  draw(now_ns);
}

void Progress::clear() {
  if (!drawn_) return;
  drawn_ = false;
  constexpr ByteView kTakeAway = "\r\x1b[K";
  [[maybe_unused]] ssize_t written = ::write(terminal_, kTakeAway.data(), kTakeAway.size());
}

void Progress::draw(int64_t now_ns) {
  next_ns_ = now_ns + kBetween_ns;
  drawn_ = true;
  const double seconds = seconds_of(now_ns - begin_ns_);
  std::string line = "\r" + text(what_, done_, total_, unit_, seconds, columns_of(terminal_)) + "\x1b[K";
  // A terminal that is gone takes nothing, and the work goes on.
  [[maybe_unused]] ssize_t written = ::write(terminal_, line.data(), line.size());
}

std::string Progress::text(ByteView what, int64_t done, int64_t total, Unit unit, double seconds, size_t columns) {
  const double amount = static_cast<double>(std::max<int64_t>(done, 0));
  const double speed = seconds > 0 ? amount / seconds : 0;
  const std::string speed_text = amount_text(speed, unit) + "/s";
  std::string left, right;
  double part = 0;
  if (total > 0) {
    part = std::min(1.0, amount / static_cast<double>(total));
    const double to_do = std::max(0.0, static_cast<double>(total) - amount);
    left = fmt::format("{} {:3.0f} %", what, part * 100);
    right = fmt::format("{} of {}  {}", amount_text(amount, unit), amount_text(static_cast<double>(total), unit),
                        speed_text);
    if (speed > 0) right += fmt::format("  {} left", clock_text(to_do / speed));
  } else {
    left = std::string(what);
    right = fmt::format("{}  {}  {}", amount_text(amount, unit), speed_text, clock_text(seconds));
  }
  std::string line = left;
  // The last column stays free: some terminals go to the next line when it is written.
  const size_t room = columns > 0 ? columns - 1 : 0;
  const size_t used = left.size() + right.size() + 6;  // "  [" and "]  ", and one
  if (total > 0 && room >= used + kNarrowestBar) {
    const size_t width = std::min(kWidestBar, room - used);
    const auto full = static_cast<size_t>(part * static_cast<double>(width));
    line += "  [" + std::string(full, '#') + std::string(width - full, '.') + "]";
  }
  line += "  " + right;
  if (line.size() > room) line.resize(room);
  return line;
}

}  // namespace milena::tools
