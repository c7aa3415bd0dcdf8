-- Argo CD's health of a KestraFlow, KestraKV or Backfill, from its conditions (docs/gitops.md has the table). Deletion in progress is judged by Argo CD itself.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "True" or condition.type == "Ready" then
    conditions[condition.type] = condition
  end
end

local function is(health, condition)
  return { status = health, message = condition.message }
end

-- What is paused is not looked at, so that its generation may be ahead.
if conditions.Paused then
  return is("Suspended", conditions.Paused)
end
if not conditions.Ready or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator" }
end
if conditions.Stalled then
  return is("Degraded", conditions.Stalled)
end
if conditions.Ready.status ~= "True" then
  return is("Progressing", conditions.Ready)
end
if conditions.Running then
  return is("Progressing", conditions.Running)
end
if conditions.Suspended then
  return is("Suspended", conditions.Suspended)
end
if conditions.Drifted then
  return is("Healthy", conditions.Drifted)
end
return is("Healthy", conditions.Ready)
