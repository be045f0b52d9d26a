#!/bin/sh
# A run on a file system that fills up, and one that becomes read-only. Started in a mount namespace of its own:
# `unshare -m` as root, `unshare -rm` otherwise; nothing of it is left outside.
#   disk.sh <full|readonly> <work folder> <command…>
set -u
case=$1 place=$2
shift 2
mkdir -p "$place/disk"
mount -t tmpfs -o "size=${DISK_SIZE:-64m}" tmpfs "$place/disk" || exit 99

report() { # name, exit status
  echo "$2" > "$place/$1.status"
  ls "$place/disk/run/checkpoints" > "$place/$1.checkpoints" 2>/dev/null
}

if [ "$case" = full ]; then
  "$@" --out "$place/disk/run" > /dev/null 2> "$place/first.errors"
  report first $?
  mount -o remount,size=64m "$place/disk"
else
  mount -o remount,ro "$place/disk"
  "$@" --out "$place/disk/run" > /dev/null 2> "$place/start.errors"
  report start $?
  mount -o remount,rw "$place/disk"
  "$@" --out "$place/disk/run" > /dev/null 2> "$place/first.errors" &
  until ls "$place/disk/run/checkpoints" 2> /dev/null | grep -qE '^0{5}[0-9][1-9][0-9]$'; do :; done
  # Busy while a file is open for writing.
  until mount -o remount,ro "$place/disk" 2> /dev/null; do :; done
  wait $!
  report first $?
  mount -o remount,rw "$place/disk"
fi
$DISBACK resume "$place/disk/run" --quiet 2> "$place/resume.errors"
report resume $?
cp "$place/disk/run/student/model.safetensors" "$place/after.safetensors"
