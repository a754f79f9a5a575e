// Newly generated keys and certificates, as PEM, and files for them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "security/certificates.h"

namespace milena::security::security_test {

// As PEM; the two and the authority's certificate make a key store.
struct TestIdentity {
  std::string key;
  std::string certificate;
};

struct TestNames {
  std::vector<std::pair<std::string, std::string>> subject;  // {"CN", "app"}, the most general last in its text
  std::string alternative = "DNS:localhost,IP:127.0.0.1";
  long from_s = -3600;
  long until_s = 3600 * 24;
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA") : own_(make({{{"CN", name}}, ""}, nullptr)) {}

  std::string certificate() const { return own_.certificate; }

  TestIdentity issue(const TestNames& names) const {
    const MadeCertificate made = make(names, &own_);
    return {made.key, made.certificate};
  }
  TestIdentity issue(const std::string& common_name) const { return issue(TestNames{{{"CN", common_name}}}); }

 private:
  static MadeCertificate make(const TestNames& names, const MadeCertificate* issuer) {
    CertificateWish wish;
    wish.subject.assign(names.subject.begin(), names.subject.end());
    wish.alternative_names = names.alternative;
    wish.from_s = std::time(nullptr) + names.from_s;
    wish.until_s = std::time(nullptr) + names.until_s;
    wish.authority = issuer == nullptr;
    auto made = make_certificate(wish, issuer);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.take();
  }

  const MadeCertificate own_;
};

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = testing::TempDir() + "milena-security-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  // Writes a file atomically, like certificate tools: a new one replaces the old one.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path + ".new", std::ios::binary) << bytes;
    std::filesystem::rename(path + ".new", path);
    return path;
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace milena::security::security_test
