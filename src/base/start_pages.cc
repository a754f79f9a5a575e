#include "base/start_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace milena {
namespace {

int forget_in(dl_phdr_info* object, size_t, void*) {
  // The program itself has no name, and libraries have a path. Mappings of the kernel, such as the vDSO, have neither.
  const char first = object->dlpi_name == nullptr ? '\0' : object->dlpi_name[0];
  if (first != '\0' && first != '/') return 0;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    // Pages that were written to, such as relocated pointers, are in no file.
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const uintptr_t begin = (object->dlpi_addr + part.p_vaddr + page - 1) / page * page;
    const uintptr_t end = (object->dlpi_addr + part.p_vaddr + part.p_filesz) / page * page;
    // Refused where memory is locked: then all of it stays.
    if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void forget_pages_of_the_start() {
  ::dl_iterate_phdr(forget_in, nullptr);
}

}  // namespace milena
