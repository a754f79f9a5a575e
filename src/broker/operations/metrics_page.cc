#include "broker/operations/metrics_page.h"

#include <algorithm>
#include <utility>

#include "broker/node.h"
#include "broker/operations/collect.h"
#include "broker/operations/doctor_page.h"
#include "broker/shard.h"
#include "log/file_cache.h"

namespace milena::broker {
namespace {

Bytes joined(const std::vector<Bytes>& words) {
  Bytes all;
  for (const Bytes& word : words) all += (all.empty() ? "" : ",") + word;
  return all;
}

// In OpenMetrics a counter's name without its suffix is the counter's own name, so both names cannot be on one page.
http::MetricFormat format_of(std::span<const MetricNames> names, ByteView accept) {
  const bool bare = std::find(names.begin(), names.end(), MetricNames::kJmxBare) != names.end();
  return bare ? http::MetricFormat::kPrometheus : http::chosen_metric_format(accept);
}

}  // namespace

void MetricsPage::serve(Node& node, http::HttpCall call, const char* always) {
  Shard& home = node.shard(static_cast<size_t>(call.shard));
  Bytes words = always != nullptr ? Bytes(always) : joined(home.settings().get_list("milena.metrics.names"));
  if (const auto asked = call.request.query_value("names"); always == nullptr && asked) words = *asked;
  auto names = parse_metric_names(words);
  if (!names) {
    return call.answer(http::HttpResponse::text(400, "names=" + words +
                                                         ": expected one or more of milena, jmx, jmx-bare, exporter, "
                                                         "redpanda, separated by commas"));
  }
  auto scrape = std::make_shared<Scrape>();
  scrape->names = std::move(*names);
  scrape->format = format_of(scrape->names, call.request.header("Accept").value_or(ByteView()));
  scrape->home = &home;
  scrape->answer = std::move(call.answer);
  home.router().run_on(home, node.shard(0), [self = shared_from_this(), &shard = node.shard(0), scrape] {
    self->waiting_.push_back(scrape);
    if (!self->looking_) self->look(shard);
  });
}

void MetricsPage::look(Shard& shard) {
  looking_ = true;
  collect_figures(shard, Look::kAll,
                  [self = shared_from_this(), &shard,
                   scrapes = std::exchange(waiting_, {})](std::shared_ptr<NodeFigures> figures) mutable {
                    self->write(shard, std::move(figures), std::move(scrapes));
                  });
}

void MetricsPage::write(Shard& shard, std::shared_ptr<NodeFigures> figures, Scrapes scrapes) {
  figures->version = version_;
  figures->most_partitions = static_cast<size_t>(shard.settings().get_int("milena.metrics.partitions.max"));
  figures->most_groups = static_cast<size_t>(shard.settings().get_int("milena.metrics.groups.max"));
  auto work = [self = shared_from_this(), figures, scrapes, &files = shard.node().files->file_system()] {
    self->finish_figures(*figures, files);
    for (const auto& scrape : scrapes) {
      scrape->fits = continue_or_drop(
          [&] { scrape->page = metrics_page(*figures, scrape->names, scrape->format); });
    }
  };
  auto answer_all = [self = shared_from_this(), &shard, scrapes] {
    for (const auto& scrape : scrapes) {
      shard.router().run_on(shard, *scrape->home, [scrape] {
        if (!scrape->fits) return scrape->answer(http::HttpResponse::text(503, "not enough memory for the page"));
        http::HttpResponse response;
        response.content_type = http::metric_content_type(scrape->format);
        response.body = Payload(std::move(scrape->page));
        scrape->answer(std::move(response));
      });
    }
    self->looking_ = false;
    if (!self->waiting_.empty()) self->look(shard);
  };
  shard.executor().run_computation(std::move(work), std::move(answer_all));
}

void MetricsPage::finish_figures(NodeFigures& figures, FileSystem& files) {
  figures.process = read_process_figures();
  figures.uptime_seconds = std::max(0.0, static_cast<double>(figures.now_ms) / 1000 - figures.process.start_seconds);
  measure_directories(figures, files);
  figures.complete();
  lag_clock_.begin_round();
  for (const GroupFigures& group : figures.groups) {
    for (const GroupFigures::Offset& offset : group.offsets) {
      if (offset.lag >= 0) lag_clock_.note(offset.partition, offset.high_watermark, figures.now_ms);
    }
  }
  for (GroupFigures& group : figures.groups) {
    for (GroupFigures::Offset& offset : group.offsets) {
      if (offset.lag < 0) continue;
      offset.lag_seconds = lag_clock_.seconds_behind(offset.partition, offset.committed, figures.now_ms).value_or(-1);
    }
  }
}

}  // namespace milena::broker
