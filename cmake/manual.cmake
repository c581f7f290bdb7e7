# SPDX-License-Identifier: GPL-2.0-or-later
#
# Manual pages, docs/NAME.SECTION.adoc, where asciidoctor is installed. Include it after install.cmake. They are made while
# configuring, as the changelog is, so that `cmake --install` needs no build of anything but the plugin.

set(tcplife_manual tcplife.7 tcplife-batch.1 tcplife-doctor.1)

find_program(ASCIIDOCTOR asciidoctor)
mark_as_advanced(ASCIIDOCTOR)
if(NOT ASCIIDOCTOR)
  message(STATUS "asciidoctor not found: manual pages are not built")
  return()
endif()

list(TRANSFORM tcplife_manual REPLACE "(.+)" "docs/\\1.adoc" OUTPUT_VARIABLE tcplife_manual_sources)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tcplife_manual_sources})
execute_process(COMMAND ${ASCIIDOCTOR} --backend manpage --failure-level WARN --destination-dir ${CMAKE_BINARY_DIR}/man
  --attribute "mansource=tcplife ${PROJECT_VERSION}" ${tcplife_manual_sources}
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} RESULT_VARIABLE tcplife_asciidoctor)
if(NOT tcplife_asciidoctor EQUAL 0)
  message(WARNING "asciidoctor could not make the manual pages: they are not built") # the plugin does not need them
  return()
endif()

# Debian's form: compressed, without a time so that they are always the same.
foreach(page IN LISTS tcplife_manual)
  string(REGEX REPLACE ".*\\." "" section ${page})
  execute_process(COMMAND gzip -9 --no-name --force ${CMAKE_BINARY_DIR}/man/${page} RESULT_VARIABLE tcplife_gzip)
  if(NOT tcplife_gzip EQUAL 0)
    message(FATAL_ERROR "gzip could not compress ${page}")
  endif()
  install(FILES ${CMAKE_BINARY_DIR}/man/${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
message(STATUS "asciidoctor found: manual pages are built")
