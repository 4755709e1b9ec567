/* student.h - Student's t distribution, of any number of degrees of freedom above 0, and the beta
 * distribution that it rests on. */
#ifndef STUBMAP_ANALYSIS_STUDENT_H
#define STUBMAP_ANALYSIS_STUDENT_H

/* The chance that |T| is at least |t|. */
double student_tails(double t, double df);
/* The point that T exceeds with the chance `tail`, 0 < tail <= 0.5. */
double student_point(double tail, double df);

/* The point below which a variable of the distribution Beta(a, a) lies with the chance `tail`. */
double beta_point(double tail, double a);

/* A standard error and its degrees of freedom; df 0: it is not known. */
struct spread {
	double error, df;
};

/* By how much the errors are exceeded with the chance `tail`; 0 if they are not known. */
double spread_reach(struct spread, double tail);
/* Half of a 95 % interval: the wider of both. */
double spread_half(struct spread, struct spread);

#endif
