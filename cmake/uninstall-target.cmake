# SPDX-License-Identifier: GPL-2.0-or-later
#
# The target `uninstall`. Include it after every install rule.

# A list of our own: CPack overwrites install_manifest.txt with what went into a package, and DESTDIR is not in it.
set(tcplife_installed ${CMAKE_BINARY_DIR}/installed.txt)
install(CODE "
  if(NOT \"\$ENV{DESTDIR}\" MATCHES \"/_CPack_Packages/\")
    list(TRANSFORM CMAKE_INSTALL_MANIFEST_FILES PREPEND \"\$ENV{DESTDIR}\" OUTPUT_VARIABLE installed)
    list(JOIN installed \"\\n\" installed)
    file(WRITE \"${tcplife_installed}\" \"\${installed}\\n\")
  endif()")

add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -D LIST=${tcplife_installed} -P ${CMAKE_SOURCE_DIR}/cmake/uninstall.cmake
  USES_TERMINAL VERBATIM COMMENT "Removing what was installed from here")
