#!/bin/sh
# SPDX-License-Identifier: MIT
# pictures.sh - call graphs as pictures: by dot, by ourselves, in a browser.
#
# Breaks if a picture of ours has boxes or edges over boxes, or many more
# crossings than dot's, if its script fails, or if binary data gets to a
# terminal. tests/campaign/layout.sh draws more graphs, of real programs.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 26
requires_program python3
cd "$scratch" || exit 1
unset DISPLAY WAYLAND_DISPLAY BROWSER
mkdir profiles
python3 "$top_srcdir/tests/report/make_profiles.py" profiles
cat >x.folded <<'END'
main;work;leaf 60
main;work;again;work 25
main;<b>"other"</b> & name;leaf 10
main 5
END

# --- our own layout -------------------------------------------------------
PSAMPLE_DOT='' "$PSAMPLE" svg -q -o x.svg x.folded
check "an SVG needs no dot" grep -q 'class="node"' x.svg
check "it is XML, whatever names there are" python3 -c 'import sys
import xml.etree.ElementTree as t; t.parse("x.svg")'
check_equal "it has a box for each function, and one more for the legend" \
	"$(grep -c 'class="node"\|class="legend"' x.svg)" 6
check_equal "and an arrow for each call, also in a circle" \
	"$(grep -c 'class="edge"' x.svg)" 6
PSAMPLE_DOT='' "$PSAMPLE" svg -q -o again.svg x.folded
check "the same profile gives the same picture" cmp x.svg again.svg
: >x.empty.folded
echo 'main 1' >one.folded
PSAMPLE_DOT='' "$PSAMPLE" svg -q -o one.svg one.folded
check_equal "one function is a picture, too" "$(grep -c '"node"' one.svg)" 1
PSAMPLE_DOT='' "$PSAMPLE" png -q -o x.png x.folded 2>err
check_equal "a PNG without dot is refused" "$? $(grep -c graphviz err)" '1 1'
PSAMPLE_DOT=./nothing "$PSAMPLE" svg -q -o x2.svg x.folded
check "PSAMPLE_DOT says which dot" cmp x.svg x2.svg
printf '#!/bin/sh\nexit 1\n' >broken
chmod +x broken
PSAMPLE_DOT=./broken "$PSAMPLE" svg -q -o x3.svg x.folded 2>err
check "where dot fails, the picture is ours" cmp x.svg x3.svg

n=0 worst=
for file in profiles/*.pb.gz; do
	case $file in
	*/big.pb.gz) options='-nodecount=25' ;;
	*) options= ;;
	esac
	# shellcheck disable=SC2086 # none or one word
	PSAMPLE_DOT='' "$PSAMPLE" report -svg $options -q -o g.svg "$file" \
		2>/dev/null || continue
	theirs=
	if command -v dot >/dev/null; then
		# shellcheck disable=SC2086
		"$PSAMPLE" report -dot $options "$file" >g.gv 2>/dev/null
		dot -Tplain g.gv >g.plain 2>/dev/null && theirs=g.plain
	fi
	# shellcheck disable=SC2086 # none or one word
	row=$(python3 "$top_srcdir/tests/report/layout.py" g.svg $theirs)
	n=$((n + 1))
	echo "$row" | awk '{ exit $3 || $4 ||
		($6 != "-" && $5 > 1.5 * $6 && $5 > $6 + 2) }' ||
		worst="$worst $file: $row;"
done
diag "$n graphs"
check "at least 20 graphs were drawn" [ "$n" -ge 20 ]
check_equal "no box is over another, no edge over a box, crossings few" \
	"$worst" ''

# --- who shows it -----------------------------------------------------------
"$PSAMPLE" web x.folded >out 2>err
check "without a display web writes a file and says so" sh -c \
	'grep -q "no display" err && grep -q "class=\"node\"" profile001.svg'
mkdir tmp
export TMPDIR="$scratch/tmp"
printf '#!/bin/sh\nfor f; do :; done\ncp "$f" shown\necho "$@" >shown.args\n' \
	>viewer
chmod +x viewer
BROWSER='./viewer --new' "$PSAMPLE" web x.folded 2>err
check_equal "web starts \$BROWSER with its words and the picture" \
	"$(sed 's/psample.*svg$/X/' shown.args)" "--new $TMPDIR/X"
check "which is the whole picture" grep -q '</svg>' shown
rm shown
BROWSER=./viewer "$PSAMPLE" weblist . x.folded 2>err
check "weblist is shown there, too" grep -q '</html>' shown
BROWSER=./broken "$PSAMPLE" web x.folded 2>err
check_equal "a browser that fails is told" "$? $(grep -c could err)" '1 1'
printf 'web >redirected.svg\nsvg > other.svg\n' |
	"$PSAMPLE" report -q x.folded
check "at the prompt web goes where one says" \
	cmp redirected.svg other.svg

# --- dot ---------------------------------------------------------------------
if command -v dot >/dev/null; then
	"$PSAMPLE" png x.folded >out.png
	"$PSAMPLE" pdf x.folded >out.pdf
	check_equal "PNG and PDF come from dot" \
		"$(head -c 4 out.png | tail -c 3)$(head -c 4 out.pdf)" \
		'PNG%PDF'
	"$PSAMPLE" svg x.folded >dot.svg
	check "SVG of dot gets our script" sh -c \
		'grep -q viewBox.join dot.svg || grep -q "graph = {" dot.svg'
else
	skip "PNG and PDF come from dot" "needs dot"
	skip "SVG of dot gets our script" "needs dot"
fi

# --- flame graphs of differences ------------------------------------------
cat >before.folded <<'END'
main;parse;lex 40
main;parse;tree 20
main;emit;write 30
main;old 10
END
cat >after.folded <<'END'
main;parse;lex 60
main;parse;tree 20
main;emit;write 15
main;new;thing 12
END
"$PSAMPLE" diff --flamegraph -q -o diff.html before.folded after.folded
frame() { # NAME: its title and colour
	sed -n "/<title>$1\$/{n;s/<.title.*fill=/ /;s/\/>.*//;p;}" diff.html |
		sed 's/(.*% of the base)//; s/"//g; s/hsl(\([0-9]*\),.*/\1/'
}
check_equal "what grew is red" "$(frame lex)" '60, base 40, change +20  5'
check_equal "what shrank is blue, also what is gone" \
	"$(frame write); $(frame old)" \
	'15, base 30, change -15  215; 0, base 10, change -10  215'
check_equal "what did not change is grey" "$(frame tree)" \
	'20, base 20, change +0  #e8e8e8'

# --- the scripts -------------------------------------------------------------
# One page has all of them in frames: to start a browser takes seconds. Each
# tells the page how it fared.
tell_graph() { # NAME SVG: a page that drives the script of a graph
	{
		echo '<!DOCTYPE html><html><body>'
		sed '/^<?xml/d; /^<!DOCTYPE/d; /^ "http/d; s/<!\[CDATA\[//
			s/]]>//' "$2"
		cat <<-END
		<script>
		const before = graph.view()[2];
		graph.zoom(2, { x: 10, y: 10 });
		const zoomed = before / graph.view()[2];
		graph.reset();
		const nodes = [...document.querySelectorAll('g.node')];
		nodes.find(n => /leaf/.test(n.textContent)).dispatchEvent(
			new MouseEvent('click', { bubbles: true }));
		const faded = nodes.filter(n => n.style.opacity === '0.2');
		parent.postMessage('$1=zoom' + zoomed + 'back' +
			(before === graph.view()[2]) + 'faded' +
			faded.length, '*');
		</script></body></html>
		END
	} >"frame_$1.html"
}

tell_flame() { # NAME HTML SCRIPT: which leaves what to tell in told
	sed "s|</body>|<script>let told;$3\
		parent.postMessage('$1=' + told, '*');</script></body>|" \
		"$2" >"frame_$1.html"
}

tell_graph ours x.svg
[ ! -s dot.svg ] || tell_graph dot dot.svg
"$PSAMPLE" flamegraph -q -o f.html x.folded
# shellcheck disable=SC2016 # of the page
tell_flame zoom f.html '\
	flame.zoom(flame.frames.find(f => f.name == "work"));\
	told = "w" + flame.top().box.getAttribute("width") + "s" +\
		Math.round(flame.search("leaf"));'
tell_flame click diff.html '\
	const f = flame.frames.find(f => f.name == "parse");\
	f.g.dispatchEvent(new MouseEvent("click"));\
	told = "w" + f.box.getAttribute("width");\
	document.dispatchEvent(new KeyboardEvent("keydown",\
		{ key: "Escape" }));\
	query.value = "lex\|write";\
	query.dispatchEvent(new Event("input"));\
	told += "top" + flame.top().name +\
		note.textContent.split(" ")[0];\
	f.g.dispatchEvent(new MouseEvent("mouseenter"));\
	told += note.textContent.split(",")[0];\
	f.g.dispatchEvent(new MouseEvent("mouseleave"));\
	told += note.textContent.split(" ")[0];'
{
	echo '<!DOCTYPE html><html><body><script>onmessage = e => {
		const p = document.createElement("p");
		p.textContent = e.data; document.body.append(p); }</script>'
	for frame in frame_*.html; do
		echo "<iframe src=\"$frame\"></iframe>"
	done
	echo '</body></html>'
} >driven.html
browser=$(command -v chromium || command -v chromium-browser)
[ -z "$browser" ] || timeout 60 "$browser" --headless --no-sandbox \
	--disable-gpu --user-data-dir="$scratch/browser" \
	--virtual-time-budget=5000 --dump-dom "file://$scratch/driven.html" \
	2>/dev/null | sed 's/<p>/\n&/g' |
	sed -n 's/^<p>\([^<]*\)<.*/\1/p' >told
says() { # WHAT NAME ANSWER
	if [ -z "$browser" ]; then
		skip "$1" "needs chromium"
	elif [ ! -e "frame_$2.html" ]; then
		skip "$1" "needs chromium and dot"
	else
		check_equal "$1" "$(sed -n "s/^$2=//p" told)" "$3"
	fi
}
says "a graph's script zooms, and a click fades what is not near" ours \
	zoom2backtruefaded2
says "and so does it in an SVG of dot" dot zoom2backtruefaded2
says "the script of a flame graph zooms and searches" zoom w1200s70
says "a click zooms, Escape undoes it, typing searches, the mouse is told" \
	click 'w1200topall2parse: 802'
finish
