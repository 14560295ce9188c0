# Gives every symbol of BoringSSL a prefix, so that OpenSSL can be in the same
# program. Named in config.toml as CMake's toolchain file, which reaches every
# CMake project of a build: the others are left alone.
if(CMAKE_SOURCE_DIR MATCHES "/boringssl$")
  set(BORINGSSL_PREFIX polytls_bssl)
endif()
