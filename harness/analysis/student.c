/*
 * student.c - by the regularised incomplete beta function: the continued fraction of Press et al.
 * (Numerical Recipes, 6.4), evaluated by Lentz's method. The point is found by bisection.
 */
#include <math.h>

#include "analysis/student.h"

/* The fraction for x below (a + 1) / (a + b + 2), where it converges fast. */
static double fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	f = d;
	for (int m = 1; m < 300; m++) {
		double k = m,
		       step[2] = { k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
				   -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)) };
		for (int i = 0; i < 2; i++) {
			d = 1 + step[i] * d;
			c = 1 + step[i] / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			f *= c * d;
		}
		if (fabs(c * d - 1) < 1e-15)
			break;
	}
	return f;
}

/* I_x(a, b); y is 1 - x, given so that neither loses digits. */
static double beta(double x, double y, double a, double b)
{
	if (!(x > 0))
		return 0;
	if (!(y > 0))
		return 1;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));

	return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a
					 : 1 - front * fraction(y, b, a) / b;
}

double student_tails(double t, double df)
{
	double square = t * t;

	if (isinf(square))
		return 0;
	return beta(df / (df + square), square / (df + square), df / 2, 0.5);
}

double student_point(double tail, double df)
{
	double low = 0, high = 1;

	while (student_tails(high, df) > 2 * tail && high < 1e15)
		high *= 2;
	for (int i = 0; i < 50; i++) {
		double middle = (low + high) / 2;
		if (student_tails(middle, df) > 2 * tail)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

double beta_point(double tail, double a)
{
	double low = 0, high = 1;

	for (int i = 0; i < 50; i++) {
		double middle = (low + high) / 2;
		if (beta(middle, 1 - middle, a, a) < tail)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

double spread_reach(struct spread s, double tail)
{
	return s.df > 0 && s.error > 0 ? student_point(tail, s.df) * s.error : 0;
}

double spread_half(struct spread a, struct spread b)
{
	return fmax(spread_reach(a, 0.025), spread_reach(b, 0.025));
}
