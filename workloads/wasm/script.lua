-- script.lua - what the Lua program runs: loops, tables, strings, closures, methods, patterns.

STEPS = 12

local function sieve(n)
  local composite, primes = {}, {}
  for i = 2, n do
    if not composite[i] then
      primes[#primes + 1] = i
      for k = i * i, n, i do composite[k] = true end
    end
  end
  return primes
end

local function counter(start)
  local n = start
  return function(by) n = n + by; return n end
end

local Account = {}
Account.__index = Account
Account.__add = function(a, b) return Account.new(a.balance + b.balance) end
function Account.new(balance) return setmetatable({ balance = balance }, Account) end
function Account:deposit(v) self.balance = self.balance + v; return self end

local function words(i)
  local list = {}
  for w in ("the quick brown fox jumps over the lazy dog " .. i):gmatch("%w+") do
    list[#list + 1] = w:upper():reverse()
  end
  table.sort(list, function(a, b) return #a < #b or (#a == #b and a < b) end)
  return table.concat(list, "-")
end

local function checksum(text)
  local h = 5381
  for k = 1, #text do h = (h * 33 + text:byte(k)) & 0xffffffff end
  return h
end

local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end

local function numbers(i)
  local sum = 0.0
  for k = 1, 2000 do
    sum = sum + math.floor(k / 3 + i) * 0.5 - math.sqrt(k) + (k // 7) % 5
  end
  return string.format("%.6f", sum)
end

function step(i)
  local primes = sieve(2000 + 100 * i)
  local count = counter(i)
  for _, p in ipairs(primes) do count(p % 7) end
  local account = Account.new(i):deposit(#primes) + Account.new(fib(15))
  local text = words(i) .. ":" .. numbers(i)
  local h = checksum(text:rep(20):gsub("%d", function(d) return d * 2 end))
  print(i, #primes, count(0), account.balance, text, h)
  return h + #primes + account.balance
end
