/** Commands, one per line. ⏎ is a line break. */
export const reading = `
cat README.md
rg -n "TODO|FIXME" src
rg foo 2>/dev/null
grep -rn 'a > b' .
grep -c 'x; rm -rf y' file
find . -name '*.ts' -not -path './node_modules/*'
find . -type f -exec grep -l foo {} +
find . -type f -exec sh -c 'cat "$1"' _ {} \\;
find . -name '*.ts' | xargs wc -l
find . -print0 | xargs -0 grep -n foo
fd -e ts
head -50 src/a.ts
tail -n +3 log.txt
sed -n 1,200p src/a.ts
sed -n '10,20p;30p' a.ts
sed 's/foo/bar/g' a.ts
sed -n '/begin/,/end/p' a.ts
wc -l src/*.ts
pwd
git status
git status --porcelain=v2
git --no-pager log --oneline -20
git -C /work diff HEAD~1
git -c core.pager=cat diff
GIT_PAGER=cat git log -3
git show HEAD:src/a.ts
git branch
git branch -a
git branch -vv
git branch --show-current
git branch --list 'feature/*'
git branch --contains HEAD
git tag -l
git remote -v
git stash list
git config --get user.name
git config user.email
git worktree list
git rev-parse --show-toplevel
git blame src/a.ts
git grep -n foo
git log --format='%h %s' | head
cat a.txt | grep x | sort | uniq -c | sort -rn
cat a && cat b || true
cd packages/a && ls
cd src; pwd; ls
ls > /dev/null
ls >/dev/null 2>&1
ls 2>&1 | head
ls &>/dev/null
ls 2> /dev/null
cat <<< "words"
cat <<'EOF'⏎rm -rf /⏎EOF
cat < input.txt
bash -lc 'rg -n foo src | head'
bash -lc "cd /work && git status"
/bin/bash -lc 'ls'
zsh -lc 'pwd'
sudo cat /etc/hosts
sudo -n ls /root
env FOO=1 ls
env
LC_ALL=C sort a.txt
FOO=bar
time ls
! grep -q foo a
timeout 10 rg foo
timeout -k 5 10 git log
nice -n 5 du -sh .
command -v node
which node
type -a git
node --version
python3 --version
cargo --version
tsc --help
echo "$(git rev-parse HEAD)"
echo \`pwd\`
echo "$HOME and \${PATH}"
echo $((1 + 2))
for f in src/*.ts; do wc -l "$f"; done
for f in $(git ls-files); do head -1 $f; done
if [ -f a ]; then cat a; else ls; fi
while read -r l; do echo $l; done < a.txt
[ -d src ] && ls src
test -f x || echo no
(cd a && ls)
{ ls; pwd; }
diff <(ls a) <(ls b)
awk '{print $1}' a.txt
awk -F: '/foo/ {print $2}' a
jq '.scripts' package.json
tree -L 2
stat a
du -sh .
ps aux | grep node
date
date +%s
date -u +%FT%TZ
sort -u a
tee < a
cat a | tee /dev/null
tar tzf a.tgz
unzip -l a.zip
npm ls --depth=0
npm view zod version
pip list
cargo metadata --no-deps
go list ./...
docker ps -a
kubectl get pods
gh pr view 12
gh pr diff 12
gh issue list
ls # > out.txt
cat a \\⏎  b
clip report next "run the tests"
clip status
source .venv/bin/activate && pip list
sleep 2 && ls
ls & wait
`;

export const working = `
rm -rf build
mkdir -p a
echo hi > out.txt
echo hi >> out.txt
echo hi >| out.txt
echo hi &> out.txt
echo hi 1>out.txt
cat a > b
: > a
> a
cat <<EOF > a⏎x⏎EOF
cat <<EOF⏎$(rm a)⏎EOF
cat <<EOF⏎never ends
ls | tee out.txt
ls | tee -a out.txt
sed -i 's/a/b/' a
sed -i.bak s/a/b/ a
sed --in-place s/a/b/ a
sed -n 's/a/b/w out' a
sed -n 'w out' a
sed 's/a/date/e' a
sed -f script a
sed -ni p a
perl -pi -e s/a/b/ a
awk '{print > "out"}' a
awk 'BEGIN{system("rm a")}'
awk -i inplace '{print}' a
find . -name '*.o' -delete
find . -exec rm {} \\;
find . -exec sh -c 'rm "$1"' _ {} \\;
find . -exec grep -l foo {} + -exec rm {} +
find . -fprint out
find . -ok rm {} \\;
find . | xargs rm
find . | xargs -I{} mv {} b
ls | xargs -n1 sh script.sh
xargs -a list node run.js
fd -x rm
fd -e ts -X prettier --write
git add -A
git commit -m x
git checkout -b x
git branch new-name
git branch -D old
git branch -m a b
git tag v1
git tag -d v1
git stash
git remote add o url
git config user.name x
git config --unset user.name
git worktree add ../x
git fetch
git pull
git push
git reset --hard
git diff --output=a.patch
git -c core.fsmonitor=./evil status
git -c alias.x='!rm a' x
git reflog expire --all
git grep -O foo
git bisect start
GIT_EXTERNAL_DIFF=./x git diff
LD_PRELOAD=./x.so ls
PATH=. ls
PAGER=./x git log
npm test
npm run build
npm install
npx tsc
make
pytest
cargo test
go test ./...
go vet ./...
node script.js
node -e "1"
python -c 'print(1)'
./run.sh
./run.sh --version
/tmp/cat a
bash script.sh
bash
bash -c 'rm a'
bash -lc "ls; touch b"
bash -c "$SCRIPT"
bash -c "ls $X"
bash --rcfile x -c ls
sh -c
eval "ls"
source env.sh
. ./env.sh
exec > out
sudo rm a
sudo -u root touch a
sudo
env FOO=1 rm a
env -S 'rm a'
timeout 5 rm a
nohup node server.js
nohup ls > out &
setsid sleep 301 >/dev/null 2>&1 < /dev/null & echo $! > daemon.pid
command rm a
$CMD a
"$CMD"
\`cat cmd\` a
$(cat cmd)
ls $(rm a)
echo "$(touch b)"
echo \`touch b\`
ls; rm a
ls && rm a
ls || rm a
ls | sh
ls⏎rm a
ls & rm a
(ls; rm a)
{ ls; rm a; }
if true; then rm a; fi
for f in *; do rm $f; done
while true; do rm a; done
f() { ls; }; f
function f { rm a; }
case x in x) rm a;; esac
diff <(ls) <(rm a)
ls > >(tee out)
cp a b
mv a b
ln -s a b
chmod +x a
dd if=a of=b
truncate -s0 a
curl -sO https://example.com/a
wget https://example.com
tar xzf a.tgz
tar czf a.tgz a
unzip a.zip
sort -o a a
sort -uo a a
sort a --output=a
uniq a b
xxd -r a b
tree -o out
rg --pre ./x foo
date -s tomorrow
hostname evil
yq -i .a=1 a.yml
patch -p1
apply_patch
tsc --build
docker run x
docker exec c rm a
kubectl apply -f a
gh pr create
gh api -X POST x
npm config set a b
pip install x
go env -w A=b
clip run -- rm a
clip cancel 3
systemctl restart x
kill 123
echo 'unterminated
echo "unterminated
echo $(unterminated
echo \${x
ls )
ls >
trap '' TERM INT HUP; echo $$ > tool.pid
printf '%b' "hello\\n" > written.txt
echo \${x:-$(rm a)}
cat <> a
`;
