# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packages: the target `package` makes a .deb, `package_source` a source tarball. Include it after every install rule.

# A package is for everybody: a personal installation has none.
if(TCPLIFE_PERSONAL)
  return()
endif()

set(TCPLIFE_MAINTAINER "tcplife maintainers <maintainers@tcplife.invalid>" CACHE STRING "Who answers for the .deb")

set(CPACK_PACKAGE_NAME tcplife)
set(CPACK_PACKAGE_CONTACT "${TCPLIFE_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "life of TCP connections in Wireshark ${tcplife_api}")
string(CONCAT CPACK_PACKAGE_DESCRIPTION # dpkg wants short lines
  "A plugin for Wireshark, tshark and sharkd ${tcplife_api} that says on every TCP\n"
  "segment where its connection is in its life: the step in the handshake or the\n"
  "teardown, the state of both ends after it, why a reset was sent, why bytes were\n"
  "sent again, and one sentence that gives the reason. Every answer is a field to\n"
  "filter on.")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON) # install rules may name absolute folders
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS # whatever the umask
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# The libraries that the plugin is linked with come from dpkg-shlibdeps. They are not enough: libwireshark16 (4.0) and
# libwireshark18 (4.4) install side by side, so an upgrade of Wireshark would leave the plugin in a folder that nobody reads
# any more. Every Wireshark program depends on wireshark-common of its own version, and with it only one X.Y can be there.
math(EXPR next_minor "${Wireshark_MINOR_VERSION} + 1")
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "wireshark-common (>= ${tcplife_api}~), wireshark-common (<< ${Wireshark_MAJOR_VERSION}.${next_minor}~)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "tshark | wireshark")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "parallel, tcpdump") # for tcplife-batch
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_RELEASE "1+wireshark${tcplife_api}") # a package for a later Wireshark is an upgrade
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

# What .gitignore says, as regular expressions on the whole path: the sources may lie below a folder called build.
string(REGEX REPLACE "([][+.*^$()?|\\])" "\\\\\\1" here "${CMAKE_SOURCE_DIR}")
string(REGEX REPLACE "([][+.*^$()?|\\])" "\\\\\\1" build "${CMAKE_BINARY_DIR}")
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_SOURCE_GENERATOR TXZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME tcplife-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES
  "^${here}/\\.git(/|$)" "^${here}/build/" "^${here}/build-" "^${here}/\\.cache/" "^${build}/"
  "/__pycache__/" "\\.py[co]$" "/\\.pytest_cache/" "~$" "\\.sw.$" "/compile_commands\\.json$" "/tags$")

include(CPack)
