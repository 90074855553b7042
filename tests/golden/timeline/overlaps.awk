# SPDX-License-Identifier: LGPL-2.1-or-later
# overlaps.awk - prints the texts of a picture that are over one another, that a
# pole crosses, or that are not wholly in the picture
#
# Run it with LC_ALL=C. Widths are those of a font of usual width, which are not
# the ones that the picture was laid out with. Each element is on its own line.
function attribute(name,    at, rest) {
	at = index($0, " " name "=\"")
	if (!at) return ""
	rest = substr($0, at + length(name) + 3)
	return substr(rest, 1, index(rest, "\"") - 1)
}
/^<svg/ { split(attribute("viewBox"), box, " ") }
/^<text/ {
	class = attribute("class")
	text = $0
	sub(/^<text[^>]*>/, "", text)
	sub(/<\/text>$/, "", text)
	shown = text
	gsub(/&[#a-z0-9]+;/, "x", text)
	gsub(/[\300-\377][\200-\277]+/, "x", text)
	size = class ~ /title|value/ ? 19 : class ~ /host/ ? 14 : 11
	if (class ~ /label|sub|name/) size = 12
	factor = class ~ /title|value|host|label/ ? .56 : .5
	w = length(text) * size * factor
	n++
	x[n] = attribute("x")
	if ($0 ~ /text-anchor="end"/) x[n] -= w
	if ($0 ~ /text-anchor="middle"/) x[n] -= w / 2
	x[n] += 0
	end[n] = x[n] + w
	bottom[n] = attribute("y") + size * .2
	top[n] = attribute("y") - size * .75
	name[n] = shown
	if (x[n] < 0 || end[n] > box[3] || top[n] < 0 || bottom[n] > box[4])
		print "outside: " shown
}
/^<line/ && attribute("class") == "pole" {
	poles++
	at[poles] = attribute("x1") + 0
	y1 = attribute("y1") + 0
	y2 = attribute("y2") + 0
	from[poles] = y1 < y2 ? y1 : y2
	to[poles] = y1 < y2 ? y2 : y1
}
END {
	for (i = 1; i <= n; i++) {
		for (j = i + 1; j <= n; j++)
			if (x[i] < end[j] && x[j] < end[i] && top[i] < bottom[j] &&
			    top[j] < bottom[i])
				print "over one another: " name[i] " | " name[j]
		for (j = 1; j <= poles; j++)
			if (at[j] > x[i] && at[j] < end[i] && from[j] < bottom[i] &&
			    to[j] > top[i])
				print "crossed: " name[i]
	}
	if (!n) print "there is no text"
}
