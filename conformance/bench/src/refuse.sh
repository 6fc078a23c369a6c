#!/bin/bash
# A plugin in bash that can do nothing but refuse: one fixed error document.
if [ "$CNI_COMMAND" = VERSION ]; then
  printf '{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}\n'
  exit 0
fi
printf '{"cniVersion":"1.1.0","code":100,"msg":"no pod network here"}\n'
exit 1
