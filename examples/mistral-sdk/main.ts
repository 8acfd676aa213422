import { Mistral } from '@mistralai/mistralai';
import { AgentKavach, Budget, BudgetExceededError } from '@agentkavach/core';

const guard = new AgentKavach({ agentName: 'guide', budget: [Budget.daily(1), Budget.calls(3, 'hourly')] });
// The SDK reads no variable for its address.
const mistral = guard.wrap(
  new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '', serverURL: process.env['MISTRAL_SERVER_URL'] }),
);

try {
  for (const place of ['Brittany', 'Cornwall', 'Galicia', 'Norway']) {
    const { choices } = await mistral.chat.complete({
      model: 'mistral-small-latest',
      messages: [{ role: 'user', content: `Name a lighthouse in ${place}.` }],
    });
    console.log(place, choices[0]?.message?.content);
  }
} catch (error) {
  if (!BudgetExceededError.isInstance(error)) throw error;
  console.log(`${error.spent} of ${error.limit} ${error.unit}, again at ${error.resetsAt}`);
}
console.log(guard.status().budgets);
