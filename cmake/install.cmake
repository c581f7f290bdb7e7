# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where things are installed: where Wireshark looks. Include it after find_package(Wireshark). docs/install.md is the manual.
#
#   tcplife_api           X.Y of Wireshark; a plugin loads in no other
#   tcplife_plugin_dir    plugins go into epan/ of it; relative to the prefix
#   tcplife_profile_dir   configuration profiles of this user; only with TCPLIFE_PERSONAL
#
# Without -DCMAKE_INSTALL_PREFIX, CMake's own default /usr/local is replaced by the prefix of Wireshark.

include(GNUInstallDirs)
option(TCPLIFE_PERSONAL "Install into the home folder of whoever configures, for this user only" OFF)

set(tcplife_api ${Wireshark_MAJOR_VERSION}.${Wireshark_MINOR_VERSION})

if(TCPLIFE_PERSONAL)
  if("$ENV{HOME}" STREQUAL "")
    message(FATAL_ERROR "HOME is not set: there is no place for a personal installation")
  endif()
  set(CMAKE_INSTALL_PREFIX "$ENV{HOME}/.local")
  set(tcplife_plugin_dir lib/wireshark/plugins/${tcplife_api})
  set(tcplife_config_home "$ENV{XDG_CONFIG_HOME}")
  if(tcplife_config_home STREQUAL "")
    set(tcplife_config_home "$ENV{HOME}/.config")
  endif()
  set(tcplife_profile_dir "${tcplife_config_home}/wireshark/profiles")
else()
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr/local")
    set(CMAKE_INSTALL_PREFIX "${Wireshark_INSTALL_PREFIX}")
  endif()
  set(tcplife_plugin_dir ${Wireshark_PLUGIN_LIBDIR})
endif()

# tcplife-batch runs tcplife-batch-part and tcplife-batch-report, which it looks for beside itself.
install(PROGRAMS scripts/tcplife-doctor scripts/tcplife-batch scripts/tcplife-batch-part scripts/tcplife-batch-report
  DESTINATION ${CMAKE_INSTALL_BINDIR})

# Debian's form: the licence as `copyright`, the changelog compressed, without a time so that it is always the same.
set(tcplife_changelog ${CMAKE_BINARY_DIR}/changelog.gz)
execute_process(COMMAND gzip -9 --no-name --stdout ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  OUTPUT_FILE ${tcplife_changelog} RESULT_VARIABLE tcplife_gzip)
if(NOT tcplife_gzip EQUAL 0)
  message(FATAL_ERROR "gzip could not compress CHANGELOG.md")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS CHANGELOG.md)
install(FILES ${tcplife_changelog} packaging/copyright DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/tcplife)
