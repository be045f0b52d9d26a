# Runs the command line as two hosts: two network namespaces joined by a link, two processes in each.
#
#   unshare --user --map-root-user --net --mount sh two-hosts.sh <logs> <node> <main.js> <flags…>
#
# The link is cut when the file <logs>/cut appears. Leaves <logs>/<rank>.log and <logs>/<rank>.status.
set -eu
logs=$1
shift
# Where `ip netns` keeps its names: one of our own, gone with us.
mount -t tmpfs tmpfs /run
ip netns add a
ip netns add b
ip link add to-b netns a type veth peer name to-a netns b
ip -n a addr add 10.7.0.1/24 dev to-b
ip -n b addr add 10.7.0.2/24 dev to-a
for host in a b; do ip -n $host link set lo up; done
ip -n a link set to-b up
ip -n b link set to-a up

member() {
  host=$1 rank=$2
  shift 2
  status=0
  ip netns exec "$host" env RANK="$rank" WORLD_SIZE=4 MASTER_ADDR=10.7.0.1 MASTER_PORT=29500 "$@" \
    >"$logs/$rank.log" 2>&1 || status=$?
  echo $status >"$logs/$rank.status"
}
member a 0 "$@" &
member a 1 "$@" &
member b 2 "$@" &
member b 3 "$@" &
(
  while [ ! -e "$logs/cut" ]; do sleep 0.05; done
  ip -n a link set to-b down
) &
watcher=$!
for rank in 0 1 2 3; do
  while [ ! -e "$logs/$rank.status" ]; do sleep 0.05; done
done
kill $watcher 2>/dev/null || true
