#include "broker/clients/audit_log.h"

#include <utility>

#include "base/log.h"

namespace milena::broker {

Status AuditFile::append(ByteView lines) {
  std::lock_guard lock(mutex_);
  for (bool renamed = false;; renamed = true) {
    auto file = files_.open(path_, OpenMode::kReadOrCreate);
    RETURN_IF_ERROR(file);
    auto size = (*file)->size();
    RETURN_IF_ERROR(size);
    if (renamed || *size == 0 || *size + lines.size() <= max_bytes_) return (*file)->write_at(*size, lines);
    RETURN_IF_ERROR(files_.rename(path_, path_ + ".1"));
  }
}

void AuditLog::write(Bytes line) {
  if (gathered_.size() + line.size() > kMaxGathered) {
    missing_++;
    return;
  }
  if (missing_ > 0) gathered_ += security::audit_gap_line(executor_.clock().wall_ms(), std::exchange(missing_, 0));
  gathered_ += line;
  if (!appending_) start_append();
}

void AuditLog::start_append() {
  appending_ = true;
  // Writes the lines of one turn together.
  executor_.at_end_of_turn([this] {
    if (closed_) return;
    struct Job {
      Bytes lines;
      Status status = ok_status();
    };
    auto job = std::make_shared<Job>(Job{std::exchange(gathered_, {})});
    executor_.run_blocking([job, file = file_] { job->status = file->append(job->lines); },
                           [this, job] {
                             if (!job->status.ok() && !std::exchange(warned_, true))
                               log_error("cannot write the audit log: {}", job->status.error().message);
                             if (job->status.ok()) warned_ = false;
                             appending_ = false;
                             if (!gathered_.empty() && !closed_) start_append();
                           });
  });
}

void AuditLog::close() {
  closed_ = true;
  if (!on() || gathered_.empty()) return;
  if (Status written = file_->append(std::exchange(gathered_, {})); !written.ok())
    log_error("cannot write the last lines of the audit log: {}", written.error().message);
}

}  // namespace milena::broker
