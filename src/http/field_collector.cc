#include "http/field_collector.h"

#include <utility>

namespace milena::http {

bool FieldCollector::add_name(HttpFields& fields, const char* at, size_t size) {
  if (fields.empty() || std::exchange(value_began_, false)) fields.emplace_back();
  if (fields.size() > most_fields_ || !count(size)) return false;
  fields.back().first.append(at, size);
  return true;
}

bool FieldCollector::add_value(HttpFields& fields, const char* at, size_t size) {
  value_began_ = true;
  if (fields.empty() || !count(size)) return false;
  fields.back().second.append(at, size);
  return true;
}

}  // namespace milena::http
