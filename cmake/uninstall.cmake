# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmake -D LIST=FILE -P uninstall.cmake: removes the files listed in FILE, which the last `cmake --install` wrote, then each
# folder above them that is empty now.

if(NOT EXISTS ${LIST})
  message(FATAL_ERROR "Nothing was installed from this build folder: there is no ${LIST}")
endif()

function(remove_file file)
  file(REMOVE "${file}")
  if(EXISTS "${file}" OR IS_SYMLINK "${file}")
    message(FATAL_ERROR "Could not remove ${file}: run this as the user who installed it")
  endif()
  message(STATUS "Removed ${file}")
endfunction()

# rmdir refuses a folder that is not empty, and we stop there.
function(remove_empty_folders folder)
  set(status 0)
  while(status EQUAL 0)
    execute_process(COMMAND rmdir ${folder} RESULT_VARIABLE status ERROR_QUIET)
    get_filename_component(folder ${folder} DIRECTORY)
  endwhile()
endfunction()

file(STRINGS ${LIST} files)
foreach(file IN LISTS files)
  remove_file("${file}")
  get_filename_component(folder "${file}" DIRECTORY)
  remove_empty_folders("${folder}")
endforeach()
file(REMOVE ${LIST})
