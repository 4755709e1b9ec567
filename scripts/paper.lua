-- paper.lua - what pandoc changes of PAPER.md for the PDF: pictures and the caption below them are one
-- figure; a link to a file of the tree is its text alone, since the PDF is read elsewhere.

local function only_pictures(block)
	if block.t ~= "Para" then return false end
	for _, inline in ipairs(block.content) do
		if inline.t ~= "Image" and inline.t ~= "SoftBreak" and inline.t ~= "Space" then return false end
	end
	return true
end

-- Of several pictures each has its machine, the folder that it lies in, written below it.
local function name_machines(block)
	local images = block.content:filter(function(inline) return inline.t == "Image" end)
	if #images < 2 then return block end
	return pandoc.Para(images:map(function(image)
		local machine = image.src:match("([^/]+)/[^/]+$") or ""
		return pandoc.Span({ image, pandoc.LineBreak(), pandoc.Str(machine) }, pandoc.Attr("", { "machine" }))
	end))
end

local function is_caption(block)
	return block and block.t == "Para" and block.content[1].t == "Strong"
		and pandoc.utils.stringify(block.content[1]):match("^Figure ") ~= nil
end

function Link(link)
	if not link.target:match("^https?:") and not link.target:match("^#") then return link.content end
end

function Blocks(blocks)
	local out = pandoc.List()
	local i = 1
	while i <= #blocks do
		local block = blocks[i]
		if only_pictures(block) then
			local parts = { name_machines(block) }
			if is_caption(blocks[i + 1]) then
				i = i + 1
				table.insert(parts, blocks[i])
			end
			block = pandoc.Div(parts, pandoc.Attr("", { "figure" }))
		end
		out:insert(block)
		i = i + 1
	end
	return out
end
