# Builds for arm64 with Debian's cross compiler. MILENA_SYSROOT has Debian's arm64 libraries (packaging/sysroot.sh); the C
# library is the compiler's own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MILENA_SYSROOT)
set(CMAKE_FIND_ROOT_PATH ${MILENA_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Headers of libraries stand in /usr/include on Debian, where no compiler for another architecture looks.
string(APPEND CMAKE_CXX_FLAGS_INIT
       " -isystem ${MILENA_SYSROOT}/usr/include -isystem ${MILENA_SYSROOT}/usr/include/aarch64-linux-gnu")
string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -L${MILENA_SYSROOT}/usr/lib/aarch64-linux-gnu")
