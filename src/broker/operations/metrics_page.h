// MetricsPage: answers scrapes. One look at the shards runs at a time, and requests that arrive meanwhile share the
// next one. The text is written on a thread beside the loops. Its state is shard 0's; serve() is called on any shard.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "broker/operations/lag_clock.h"
#include "broker/operations/metric_table.h"
#include "http/router.h"

namespace milena::broker {

class Node;
class Shard;

class MetricsPage : public std::enable_shared_from_this<MetricsPage> {
 public:
  explicit MetricsPage(std::string version) : version_(std::move(version)) {}

  // `always`: the names to serve regardless of the settings and the request; null: those of the settings and the
  // request.
  void serve(Node& node, http::HttpCall call, const char* always);

 private:
  struct Scrape {
    std::vector<MetricNames> names;
    http::MetricFormat format = http::MetricFormat::kPrometheus;
    Shard* home = nullptr;
    std::function<void(http::HttpResponse)> answer;
    Bytes page;
    bool fits = true;
  };
  using Scrapes = std::vector<std::shared_ptr<Scrape>>;

  void look(Shard& shard);
  void write(Shard& shard, std::shared_ptr<NodeFigures> figures, Scrapes scrapes);
  // On a thread beside the loops, one at a time.
  void finish_figures(NodeFigures& figures, FileSystem& files);

  const std::string version_;
  bool looking_ = false;
  Scrapes waiting_;
  LagClock lag_clock_;  // of the thread beside the loops
};

}  // namespace milena::broker
